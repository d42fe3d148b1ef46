/* The drawing of last resort: nodes in rows below what they came from, straight arrows, no care for
 * crossings. It costs one look at each node and edge, and its first line says what it is. It uses
 * only the SVG that Graphviz uses too, so that the same reader turns it into a PDF. */
import type { DotEdge, DotGraph, DotNode } from './dot-reader.ts'
import { encodeEntities } from './entities.ts'
import { BODY, widthOf } from './fonts.ts'
import { printable } from './labels.ts'
import { ranksOf } from './ranks.ts'

interface Note {
  readonly text: string
  readonly colour: 'blue' | 'red'
}

/** A node with what stands below it: the texts of the edges that leave it. */
interface Box {
  readonly node: DotNode
  readonly lines: readonly string[]
  readonly notes: readonly Note[]
  readonly width: number
  readonly height: number
  /** Room in the row, for box and notes. */
  readonly room: number
  x: number
  y: number
}

const NODE_PT = 12
const NOTE_PT = 8
const LINE = 1.2
const GAP = 18
const ROW_GAP = 48
const ROW_WIDTH = 1600
const TOP = 30
/** Letters stand in the middle of an ellipse that is this much wider. */
const STRETCH = 1.4
/** More arrows than this are a black square, and more texts at them cannot be read. */
const MOST_EDGES = 5000
const MOST_NOTES = 60

/** `reason` says why Graphviz did not draw it. */
export function plainSvg(graph: DotGraph, reason: string): string {
  const rows = rowsOf(graph)
  const boxes = rows.flat()
  const byId = new Map(boxes.map(box => [box.node.id, box]))
  const note = noteOf(graph, reason)
  const width = largest(rows.map(widthOfRow), 2 * GAP + widthOf(note, BODY, NODE_PT))
  for (const row of rows) {
    const shift = (width - widthOfRow(row)) / 2
    for (const box of row) box.x += shift
  }
  const bottom =
    largest(
      boxes.map(box => box.y + box.height / 2),
      TOP,
    ) + GAP
  const caption = graph.caption.map((line, i) =>
    text(printable(line), width / 2, bottom + (i + 1) * NODE_PT * LINE, NODE_PT, 'black'),
  )
  const height = bottom + GAP + caption.length * NODE_PT * LINE
  return document(width, height, [
    textFrom(GAP, note, TOP - NODE_PT, NODE_PT, 'black'),
    ...graph.edges.slice(0, MOST_EDGES).map(edge => arrow(edge, byId)),
    ...boxes.flatMap(shape),
    ...caption,
  ])
}

function noteOf(graph: DotGraph, reason: string): string {
  const left = graph.edges.length - MOST_EDGES
  const missing = left > 0 ? ` ${left} of ${graph.edges.length} edges are not drawn.` : ''
  return printable(`Plain drawing without Graphviz: ${reason}.${missing}`)
}

/** Boxes with their places: rank by rank, wide ranks in several rows. */
function rowsOf(graph: DotGraph): Box[][] {
  const notes = graph.edges.length > MOST_NOTES ? new Map<string, Note[]>() : notesOf(graph)
  const rows: Box[][] = []
  let y = TOP + GAP
  for (const rank of ranksOf(graph)) {
    for (const row of broken(rank.map(node => boxOf(node, notes.get(node.id) ?? [])))) {
      const height = largest(row.map(box => box.height))
      let x = GAP
      for (const box of row) {
        box.x = x + box.room / 2
        box.y = y + height / 2
        x += box.room + GAP
      }
      rows.push(row)
      const lines = largest(row.map(box => box.notes.length))
      y += height + ROW_GAP + lines * NOTE_PT * LINE
    }
  }
  return rows
}

function notesOf(graph: DotGraph): Map<string, Note[]> {
  const notes = new Map<string, Note[]>(graph.nodes.map(node => [node.id, []]))
  for (const { from, tail, label } of graph.edges) {
    const of = (lines: readonly string[], colour: Note['colour']) =>
      lines.map(line => ({ text: printable(line), colour }))
    notes.get(from)!.push(...of(tail, 'blue'), ...of(label, 'red'))
  }
  return notes
}

function boxOf(node: DotNode, notes: readonly Note[]): Box {
  const lines = node.label.map(printable)
  const widest = (texts: readonly string[], sizePt: number) =>
    largest(texts.map(line => widthOf(line, BODY, sizePt)))
  const width = widest(lines, NODE_PT) * STRETCH + GAP
  const noteTexts = notes.map(note => note.text)
  const room = Math.max(width, 2 * widest(noteTexts, NOTE_PT) + GAP)
  const height = lines.length * NODE_PT * LINE + GAP
  return { node, lines, notes, width, height, room, x: 0, y: 0 }
}

function broken(rank: readonly Box[]): Box[][] {
  const rows: Box[][] = []
  let used = Number.POSITIVE_INFINITY
  for (const box of rank) {
    if (used + box.room > ROW_WIDTH) {
      rows.push([])
      used = 0
    }
    rows.at(-1)!.push(box)
    used += box.room + GAP
  }
  return rows
}

function widthOfRow(row: readonly Box[]): number {
  return row.reduce((sum, box) => sum + box.room + GAP, GAP)
}

function shape(box: Box): string[] {
  const { node, height, x, y, lines, notes } = box
  const look = (key: string, otherwise: string) =>
    encodeEntities(node.attributes.get(key) ?? otherwise)
  const filled = node.attributes.get('style') === 'filled'
  const fill = filled ? look('fillcolor', 'lightgrey') : 'white'
  const first = y - ((lines.length - 1) / 2) * NODE_PT * LINE + NODE_PT / 3
  const below = y + height / 2 + NOTE_PT * LINE
  return [
    outline(box, `fill="${fill}" stroke="${look('color', 'black')}"`),
    ...lines.map((line, i) => text(line, x, first + i * NODE_PT * LINE, NODE_PT, 'black')),
    ...notes.map((note, i) => {
      return textFrom(x + GAP / 3, note.text, below + i * NOTE_PT * LINE, NOTE_PT, note.colour)
    }),
  ]
}

function outline({ node, width, height, x, y }: Box, paint: string): string {
  const [dx, dy] = [width / 2, height / 2]
  if (/cylinder|box|rect|note|folder/.test(node.attributes.get('shape') ?? '')) {
    const corners = points([x - dx, y - dy], [x + dx, y - dy], [x + dx, y + dy], [x - dx, y + dy])
    return `<polygon ${paint} points="${corners}"/>`
  }
  const middle = `cx="${fixed(x)}" cy="${fixed(y)}"`
  return `<ellipse ${paint} ${middle} rx="${fixed(dx)}" ry="${fixed(dy)}"/>`
}

function arrow(edge: DotEdge, boxes: ReadonlyMap<string, Box>): string {
  const [from, to] = [boxes.get(edge.from)!, boxes.get(edge.to)!]
  if (from === to) return ''
  const down = from.y <= to.y ? 1 : -1
  const start = [from.x, from.y + (down * from.height) / 2] as const
  const end = [to.x, to.y - (down * to.height) / 2] as const
  const length = Math.hypot(end[0] - start[0], end[1] - start[1]) || 1
  const [dx, dy] = [(end[0] - start[0]) / length, (end[1] - start[1]) / length]
  const foot = [end[0] - 8 * dx, end[1] - 8 * dy] as const
  const wings = [
    [foot[0] + 3 * dy, foot[1] - 3 * dx],
    [foot[0] - 3 * dy, foot[1] + 3 * dx],
  ] as const
  return [
    `<path fill="none" stroke="black" d="M${points(start)}L${points(foot)}"/>`,
    `<polygon fill="black" stroke="black" points="${points(end, ...wings)}"/>`,
  ].join('\n')
}

/** Text round its middle, because that is what stays where it is whatever face draws it. */
function text(words: string, x: number, y: number, sizePt: number, colour: string): string {
  const place = `text-anchor="middle" x="${fixed(x)}" y="${fixed(y)}"`
  const font = `font-family="Times,serif" font-size="${sizePt}" fill="${colour}"`
  return `<text ${place} ${font}>${encodeEntities(words)}</text>`
}

function textFrom(left: number, words: string, y: number, sizePt: number, colour: string): string {
  return text(words, left + widthOf(words, BODY, sizePt) / 2, y, sizePt, colour)
}

/** Without spreading: a graph may have more nodes than a call may have arguments. */
function largest(values: readonly number[], least = 0): number {
  return values.reduce((most, value) => Math.max(most, value), least)
}

function points(...pairs: readonly (readonly [number, number])[]): string {
  return pairs.map(([x, y]) => `${fixed(x)},${fixed(y)}`).join(' ')
}

function fixed(value: number): string {
  return value.toFixed(2)
}

function document(width: number, height: number, parts: readonly string[]): string {
  const [w, h] = [fixed(width), fixed(height)]
  const size = `width="${w}pt" height="${h}pt" viewBox="0.00 0.00 ${w} ${h}"`
  return [
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
    `<svg ${size} class="plain" xmlns="http://www.w3.org/2000/svg">`,
    `<polygon fill="white" stroke="none" points="0,0 ${w},0 ${w},${h} 0,${h}"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}
