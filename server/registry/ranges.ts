/* Ranges of bytes, as readers ask for them and as uploaders state them. */

/** From `start` up to, but without, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The part that a Range header asks for; undefined: all of it (also for what need not be served: other
 * units, several ranges); null: none of it is there. */
export function rangeOf(header: string | undefined, size: number): Span | undefined | null {
  const [whole, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (whole === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    const count = Number(last)
    return count === 0 || size === 0 ? null : { start: Math.max(0, size - count), end: size }
  }
  const [start, stop] = [Number(first), last === '' ? size - 1 : Number(last)]
  if (stop < start) return null
  return start >= size ? null : { start, end: Math.min(stop + 1, size) }
}

/** What a Content-Range header of an upload states (`0-99`; both ends are in). Undefined when it is not
 * of that form. */
export function contentRangeOf(header: string): Span | undefined {
  const [whole, first, last] = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(header) ?? []
  if (whole === undefined || Number(last) < Number(first)) return undefined
  return { start: Number(first), end: Number(last) + 1 }
}

/** How an upload's answer tells how far it came. */
export function rangeHeader(offset: number): string {
  return `0-${Math.max(0, offset - 1)}`
}
