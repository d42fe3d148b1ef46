/* Chunks, version 1: bytes are cut where their content says so, not every N bytes.
 *
 * Two versions of a file usually differ in a few places. Cutting by content keeps the pieces between
 * those places identical, so the second version costs only what changed. The cut is FastCDC's: a
 * rolling gear hash over the last 32 bytes, no cut before CHUNK_MIN, a hard one at CHUNK_MAX, and
 * two masks (normalised chunking), a strict one before CHUNK_AVERAGE and a lax one after it, which
 * draws the lengths towards the average.
 *
 * Frozen: the same bytes must be cut at the same places for ever, by every client. The test vectors
 * in test/api/chunker.test.ts say where. A change is a version 2 beside this one. */
import { CHUNK_AVERAGE, CHUNK_MAX, CHUNK_MIN } from '../tree.ts'
import { borrowField, type Field, GEAR, lendBack, plainField } from './gear.ts'

/** 18 and 14 of the top bits: those that depend on the most bytes. */
const STRICT = 0xffffc000 | 0
const LAX = 0xfffc0000 | 0
/** Room for many chunks, so that the rest at the window's end is seldom moved to its start. */
export const WINDOW = 2 * 1024 * 1024

/** Where the chunk that starts at `from` ends. Right only if `to` is the end of the content, or at
 * least CHUNK_MAX bytes lie before it. */
export function cutPoint(field: Field, from: number, to: number): number {
  const length = to - from
  if (length <= CHUNK_MIN) return to
  const middle = from + Math.min(length, CHUNK_AVERAGE)
  const early = field.scan(from + CHUNK_MIN, middle, STRICT, 0)
  if (early !== 0) return early
  const end = from + Math.min(length, CHUNK_MAX)
  if (middle === end) return end
  return field.scan(middle, end, LAX, hashBefore(field.bytes, middle)) || end
}

/** The hash after the byte before `at`: only 32 bytes have a part in it. */
function hashBefore(bytes: Uint8Array, at: number): number {
  let hash = 0
  for (let i = at - 32; i < at; i++) hash = ((hash << 1) + GEAR[bytes[i]!]!) | 0
  return hash
}

/** Cuts one content after the other. Bytes are read straight into its window, and a chunk is a view
 * of that window: good until `space` is called again. So a push makes no garbage per chunk. */
export class Chunker {
  readonly #field: Field
  readonly #window: Buffer
  #from = 0
  #to = 0

  /** `field`: WINDOW bytes to work in. */
  constructor(field: Field = plainField(Buffer.allocUnsafeSlow(WINDOW))) {
    this.#field = field
    this.#window = field.bytes
  }

  /** Where the next bytes of the content go: room for `wanted` bytes or more. Ask for no more than
   * WINDOW less CHUNK_MAX. */
  space(wanted: number = CHUNK_MAX): Buffer {
    if (WINDOW - this.#to < wanted) {
      this.#window.copyWithin(0, this.#from, this.#to)
      this.#to -= this.#from
      this.#from = 0
    }
    return this.#window.subarray(this.#to)
  }

  /** So many bytes were written to the start of `space`. */
  wrote(count: number): void {
    this.#to += count
  }

  /** The next chunk that is certain; at the content's `end`, chunks until none is left. */
  next(end: boolean): Buffer | undefined {
    const rest = this.#to - this.#from
    if (rest === 0 || (!end && rest < CHUNK_MAX)) return undefined
    const cut = cutPoint(this.#field, this.#from, this.#to)
    const chunk = this.#window.subarray(this.#from, cut)
    this.#from = cut
    return chunk
  }

  /** Forgets what was read of the present content. */
  reset(): void {
    this.#from = this.#to
  }
}

/** The chunks of this content, in order and the caller's to keep; the same whatever the sizes of
 * the incoming buffers. A chunker may be given, to be used for one content after the other. */
export async function* chunks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  given?: Chunker,
): AsyncGenerator<Buffer, void, undefined> {
  const field = given === undefined ? borrowField(WINDOW) : undefined
  const chunker = given ?? new Chunker(field)
  try {
    for await (const bytes of source) {
      for (let at = 0; at < bytes.length; ) {
        const space = chunker.space(Math.min(bytes.length - at, CHUNK_MAX))
        const part = bytes.subarray(at, at + space.length)
        space.set(part)
        chunker.wrote(part.length)
        at += part.length
        for (let chunk = chunker.next(false); chunk; chunk = chunker.next(false))
          yield Buffer.from(chunk)
      }
    }
    for (let chunk = chunker.next(true); chunk; chunk = chunker.next(true)) yield Buffer.from(chunk)
  } finally {
    chunker.reset()
    if (field !== undefined) lendBack(field)
  }
}
