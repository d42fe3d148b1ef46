/* The open fonts that stand in for what a drawing names. Graphviz lays out with the widths of
 * Times, which may not be shipped; DejaVu Serif Condensed is the open face closest to it that also
 * has Greek and Cyrillic. What a face lacks (✔ ✗ ⨂) is drawn with DejaVu Sans. */
import { fileURLToPath } from 'node:url'
import { type Face, readFace } from './truetype.ts'

export interface Style {
  readonly family: 'serif' | 'sans' | 'mono'
  readonly bold: boolean
  readonly italic: boolean
}

/** A piece of text that one face can draw, in one direction of writing. */
export interface Run {
  readonly text: string
  readonly face: Face
}

export const BODY: Style = { family: 'serif', bold: false, italic: false }

const FILES = {
  serif: { stem: 'DejaVuSerifCondensed', slant: 'Italic' },
  sans: { stem: 'DejaVuSansCondensed', slant: 'Oblique' },
  mono: { stem: 'DejaVuSansMono', slant: 'Oblique' },
} as const

const RIGHT_TO_LEFT =
  /([\p{Script=Hebrew}\p{Script=Arabic}](?:[\p{Script=Hebrew}\p{Script=Arabic} ]*[\p{Script=Hebrew}\p{Script=Arabic}])?)/u

const faces = new Map<string, Face>()

/** Whether some face can draw the character in running text. */
export function isDrawable(codePoint: number): boolean {
  return faceOf(BODY).covers(codePoint) || faceOf({ ...BODY, family: 'sans' }).covers(codePoint)
}

/** The text cut into runs, in order. A stretch of Hebrew or Arabic stays whole, because what draws
 * it turns its letters round. */
export function runsOf(text: string, style: Style): Run[] {
  const chain = chainOf(style)
  const last = chain.at(-1)!
  const runs: Run[] = []
  for (const [i, part] of text.split(RIGHT_TO_LEFT).entries()) {
    if (part === '') continue
    if (i % 2 === 1) {
      runs.push({ text: part, face: chain.find(face => coversAll(face, part)) ?? last })
      continue
    }
    let open: { text: string; face: Face } | undefined
    for (const letter of part) {
      const face = chain.find(candidate => coversAll(candidate, letter)) ?? last
      if (open?.face === face) open.text += letter
      else runs.push((open = { text: letter, face }))
    }
  }
  return runs
}

/** Width in points of the text as it will be drawn. */
export function widthOf(text: string, style: Style, sizePt: number): number {
  let em = 0
  for (const run of runsOf(text, style)) {
    for (const letter of run.text) em += run.face.advance(letter.codePointAt(0)!)
  }
  return em * sizePt
}

/** Faces to try in turn; the last is the one with the most characters. */
function chainOf(style: Style): Face[] {
  const plain = { bold: false, italic: false }
  return [
    faceOf(style),
    faceOf({ ...style, ...plain }),
    faceOf({ ...style, family: 'sans', italic: false }),
    faceOf({ family: 'sans', ...plain }),
  ]
}

function faceOf(style: Style): Face {
  const { stem, slant } = FILES[style.family]
  const suffix = `${style.bold ? 'Bold' : ''}${style.italic ? slant : ''}`
  const name = suffix === '' ? stem : `${stem}-${suffix}`
  let face = faces.get(name)
  if (face === undefined) {
    face = readFace(fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)))
    faces.set(name, face)
  }
  return face
}

function coversAll(face: Face, text: string): boolean {
  return [...text].every(letter => face.covers(letter.codePointAt(0)!))
}
