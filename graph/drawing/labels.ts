/* Names in a drawing are what users typed. Here, once, they become text that can be drawn: then
 * DOT, where `"` ends a label, `\` begins an escape, `&` an entity and `<` a tag. */
import { encodeEntities } from './entities.ts'
import { BODY, isDrawable, widthOf } from './fonts.ts'
import { BLANK_EM, laidOutWidth } from './times.ts'

/** Blanks that the original put at both sides of an edge's text, to keep it off the line. */
const SPACER = 4
/** Letters in a line of a node or beside an edge. */
const LONGEST_LINE = 56
/** Where a long path may be broken: after these, else anywhere. */
const BREAK_AFTER = /^.*[/_:,;=\s-]/su
/** Controls, formats (direction marks, joiners), private, unassigned, loose accents, and all blanks
 * but the plain one. */
const INVISIBLE = /^(?! )[\p{C}\p{Z}\p{M}]$/u

/** The text with every character that no font here can show written out as `\u{4E2D}`, so that two
 * different names never look the same and none is an empty box. */
export function printable(text: string): string {
  let shown = ''
  for (const letter of text.normalize('NFC')) {
    const code = letter.codePointAt(0)!
    const visible = isDrawable(code) && !INVISIBLE.test(letter)
    shown += visible ? letter : `\\u{${code.toString(16).toUpperCase()}}`
  }
  return shown
}

/** A printable text cut into lines short enough to stand beside an edge or in a box. */
export function linesOf(text: string, longest = LONGEST_LINE): string[] {
  const lines: string[] = []
  let rest = [...text]
  while (rest.length > longest) {
    const full = rest.slice(0, longest)
    const broken = [...(BREAK_AFTER.exec(full.join(''))?.[0] ?? '')]
    const length = broken.length > longest / 2 ? broken.length : longest
    lines.push(rest.slice(0, length).join(''))
    rest = rest.slice(length)
  }
  return [...lines, rest.join('')]
}

/** Lines as a quoted DOT string that shows exactly these characters. */
export function quoted(lines: readonly string[]): string {
  const escaped = lines.map(line =>
    line.replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"'),
  )
  return `"${escaped.join('\\n')}"`
}

/** A text inside an HTML-like DOT label, where a backslash begins an escape too. */
export function html(text: string): string {
  return encodeEntities(text).replaceAll('\\', '\\\\')
}

/** The line with blanks at both sides: the original's four, and as many as it takes for Graphviz to
 * leave the room that the drawn letters need. */
export function padded(line: string, sizePt: number): string {
  const missing = widthOf(line, BODY, sizePt) - laidOutWidth(line, sizePt)
  const extra = Math.max(0, Math.ceil(missing / (2 * BLANK_EM * sizePt)))
  const blanks = ' '.repeat(SPACER + extra)
  return `${blanks}${line}${blanks}`
}
