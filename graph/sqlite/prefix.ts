/* Texts that begin in one way, as a range: SQLite compares texts by their UTF-8 bytes, which is the
 * order of their code points. */

const LAST = 0x10ffff
const SURROGATES = { first: 0xd800, last: 0xdfff }

/** The end (exclusive) of the range that begins at the prefix. SQLite puts every blob after every
 * text, so where no text can be the end an empty blob is. */
export function endOf(prefix: string): string | Uint8Array {
  const points = Array.from(prefix, one => one.codePointAt(0)!)
  while (points.at(-1) === LAST) points.pop()
  const last = points.pop()
  if (last === undefined) return new Uint8Array()
  const next = last + 1 === SURROGATES.first ? SURROGATES.last + 1 : last + 1
  return String.fromCodePoint(...points, next)
}
