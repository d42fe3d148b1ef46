/* SVG to PDF: vectors, text as text, embedded open fonts, links. The same SVG, title and time give
 * the same bytes.
 *
 * The letters drawn are not those that Graphviz measured. A text keeps the middle that the layout
 * gave it; an HTML-like line, which arrives in pieces, is put together and set anew round its
 * middle; and the page grows where a text would leave it. */
import PDFDocument from 'pdfkit'
import { type Run, runsOf } from './fonts.ts'
import { printable } from './labels.ts'
import {
  type Link,
  numbersOf,
  type Picture,
  type Point,
  pointsOf,
  readSvg,
  type Shape,
  type Text,
} from './svg-reader.ts'
import { laidOutWidth } from './times.ts'

export interface PdfOptions {
  readonly title?: string
  /** Creation date; 1970 when absent, so that the same drawing is the same file. */
  readonly at?: Date
}

/** Naming features, even none, keeps pdfkit from setting a run word by word, which would put the
 * words of a Hebrew name into the wrong order. */
const WHOLE = { features: [] }

type Piece = Extract<Shape, Text>
interface Line {
  readonly pieces: readonly { readonly piece: Piece; readonly runs: readonly Run[] }[]
  readonly left: number
  readonly right: number
}

const MARGIN = 4
/** No page of a PDF may be longer (200 inches). */
const LONGEST_PAGE = 14_400
/** Pieces of one line follow each other without a gap, but for rounding. */
const CONTIGUOUS_PT = 0.6

export async function svgToPdf(svg: string, options: PdfOptions = {}): Promise<Buffer> {
  const picture = readSvg(svg)
  const doc = openDocument(options)
  const lines = linesOfText(doc, picture)
  const { left, right, top, bottom } = boundsOf(picture, lines)
  const fit = Math.min(1, LONGEST_PAGE / Math.max(right - left, bottom - top))
  doc.addPage({ size: [fit * (right - left), fit * (bottom - top)], margin: 0 })
  doc.scale(fit).translate(-left, -top)
  doc.translate(...picture.shift).scale(picture.scale)
  for (const shape of picture.shapes) if (shape.kind !== 'text') drawShape(doc, shape)
  for (const line of lines) drawLine(doc, line)
  for (const [{ target }, [x, y, width, height]] of linkedAreas(picture.shapes, lines)) {
    doc.link(x, y, width, height, target)
  }
  const bytes = Array.fromAsync(doc as AsyncIterable<Buffer>)
  doc.end()
  return Buffer.concat(await bytes)
}

function openDocument({ title, at }: PdfOptions): PDFKit.PDFDocument {
  const info = { Creator: 'kaos', Producer: 'kaos', CreationDate: at ?? new Date(0) }
  return new PDFDocument({
    autoFirstPage: false,
    pdfVersion: '1.7',
    lang: 'en',
    displayTitle: title !== undefined,
    info: title === undefined ? info : { ...info, Title: title },
  })
}

/** Texts as they will stand, with the pieces of one line together. */
function linesOfText(doc: PDFKit.PDFDocument, picture: Picture): Line[] {
  const lines: Line[] = []
  let open: Piece[] = []
  const finish = () => {
    const from = open.findIndex(isVisible)
    if (from >= 0) lines.push(setLine(doc, open.slice(from, open.findLastIndex(isVisible) + 1)))
    open = []
  }
  for (const shape of picture.shapes) {
    if (shape.kind !== 'text') continue
    const last = open.at(-1)
    if (last === undefined || !continues(last, shape)) finish()
    open.push(shape)
  }
  finish()
  return lines
}

function isVisible(piece: Piece): boolean {
  return piece.text.trim() !== ''
}

function continues(last: Piece, next: Piece): boolean {
  if (last.anchor !== 'start' || next.anchor !== 'start' || last.y !== next.y) return false
  return Math.abs(last.x + laidOutWidth(last.text, last.sizePt) - next.x) < CONTIGUOUS_PT
}

function setLine(doc: PDFKit.PDFDocument, texts: readonly Piece[]): Line {
  const first = texts[0]!
  const last = texts.at(-1)!
  const alone = texts.length === 1
  const pieces = texts.map(piece => {
    const shown = printable(alone ? piece.text.trim() : piece.text)
    return { piece, runs: runsOf(shown, piece.style) }
  })
  const width = pieces
    .flatMap(({ piece, runs }) => runs.map(run => runWidth(doc, run, piece.sizePt)))
    .reduce((sum, each) => sum + each, 0)
  const end = last.x + laidOutWidth(last.text, last.sizePt)
  const middle = first.anchor === 'start' ? (first.x + end) / 2 : first.x
  const left = first.anchor === 'end' ? first.x - width : middle - width / 2
  return { pieces, left, right: left + width }
}

function runWidth(doc: PDFKit.PDFDocument, run: Run, sizePt: number): number {
  return doc.font(run.face.file).fontSize(sizePt).widthOfString(run.text, WHOLE)
}

function boundsOf(picture: Picture, lines: readonly Line[]) {
  const { width, height, shift, scale } = picture
  const bounds = { left: 0, right: width, top: 0, bottom: height }
  for (const line of lines) {
    bounds.left = Math.min(bounds.left, shift[0] + scale * line.left - MARGIN)
    bounds.right = Math.max(bounds.right, shift[0] + scale * line.right + MARGIN)
  }
  return bounds
}

function drawShape(doc: PDFKit.PDFDocument, shape: Exclude<Shape, Text>): void {
  if (shape.kind === 'path') doc.path(shape.d)
  if (shape.kind === 'ellipse') doc.ellipse(shape.x, shape.y, ...shape.radii)
  if (shape.kind === 'polygon') doc.polygon(...shape.points.map(mutable))
  if (shape.kind === 'polyline') {
    for (const [i, [x, y]] of shape.points.entries()) i === 0 ? doc.moveTo(x, y) : doc.lineTo(x, y)
  }
  const { fill, stroke, strokeWidth, dash } = shape.paint
  doc.lineWidth(strokeWidth)
  if (dash) doc.dash(dash[0]!, { space: dash[1] ?? dash[0]! })
  if (fill !== undefined) doc.fillColor(fill, shape.paint.fillOpacity)
  if (stroke !== undefined) doc.strokeColor(stroke, shape.paint.strokeOpacity)
  if (fill !== undefined && stroke !== undefined) doc.fillAndStroke()
  else if (fill !== undefined) doc.fill()
  else if (stroke !== undefined) doc.stroke()
  if (dash) doc.undash()
}

function mutable([x, y]: Point): [number, number] {
  return [x, y]
}

function drawLine(doc: PDFKit.PDFDocument, line: Line): void {
  let x = line.left
  for (const { piece, runs } of line.pieces) {
    doc.fillColor(piece.paint.fill ?? 'black', piece.paint.fillOpacity)
    for (const run of runs) {
      const width = runWidth(doc, run, piece.sizePt)
      doc.text(run.text, x, piece.y, { ...WHOLE, lineBreak: false, baseline: 'alphabetic' })
      x += width
    }
  }
}

type Area = [x: number, y: number, width: number, height: number]

/** For each link the box around all that is inside it. */
function linkedAreas(shapes: readonly Shape[], lines: readonly Line[]): [Link, Area][] {
  const corners = new Map<Link, Point[]>()
  const add = (link: Link | undefined, points: readonly Point[]) => {
    if (link !== undefined) corners.set(link, [...(corners.get(link) ?? []), ...points])
  }
  for (const shape of shapes) if (shape.kind !== 'text') add(shape.link, cornersOf(shape))
  for (const { pieces, left, right } of lines) {
    const { link, y, sizePt } = pieces[0]!.piece
    add(link, pointsOf([left, y - sizePt, right, y + sizePt / 4]))
  }
  return [...corners].map(([link, points]) => {
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
    const [x, y] = [Math.min(...xs), Math.min(...ys)]
    return [link, [x, y, Math.max(...xs) - x, Math.max(...ys) - y]]
  })
}

function cornersOf(shape: Exclude<Shape, Text>): readonly Point[] {
  if (shape.kind === 'path') return pointsOf(numbersOf(shape.d))
  if (shape.kind !== 'ellipse') return shape.points
  const { x, y, radii } = shape
  return pointsOf([x - radii[0], y - radii[1], x + radii[0], y + radii[1]])
}
