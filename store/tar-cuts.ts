/* Cutting what may be a tar archive: an image's layer, a ModelKit's, a folder that somebody sent so.
 *
 * Each file of an archive that is not small (CHUNK_MIN) is cut by the frozen chunker from its first
 * byte on, so it shares its chunks with the same file in a bundle. What lies between (heads, paddings,
 * small files) is cut as one run after the other. What is no archive, or stops to look like one, is
 * cut as plain bytes: the first block decides, and then each head.
 *
 * Cuts are a matter of room, not of truth: whatever is made of a head, the chunks one after the other
 * are the bytes that came in. Compressed archives are plain bytes. */
import { Chunker } from '../api/transfer/chunker.ts'
import { CHUNK_MAX, CHUNK_MIN } from '../api/tree.ts'

const BLOCK = 512
/** Longer extra heads (pax) are not looked into; they hold paths, not sizes that we need. */
const EXTRA_MAX = 16 * 1024

type Stage =
  /** A head is next; `held` is the part of it that came. */
  | 'head'
  /** Inside the records of an extra head, which are wanted (`held`). */
  | 'extra'
  /** Bytes that are of no interest: small files, paddings, other extra heads. */
  | 'between'
  /** Inside a file that is cut on its own; `padding` follows it. */
  | 'file'
  /** No archive, or behind its end. */
  | 'plain'

/** Where a cutter stands: enough, with its tail, to go on elsewhere. */
export interface CutState {
  readonly stage: Stage
  /** Bytes until the stage ends. */
  readonly left: number
  readonly padding: number
  /** Base64. */
  readonly held: string
  /** Size that an extra head gave to the next file. */
  readonly size: number | null
}

export interface Paused {
  readonly state: CutState
  /** The bytes behind the last chunk: less than CHUNK_MAX. */
  readonly tail: Uint8Array
}

/** For what is to be cut as any file is, archive or not. */
export const PLAIN: Paused = {
  state: { stage: 'plain', left: 0, padding: 0, held: '', size: null },
  tail: new Uint8Array(),
}

export class TarCutter {
  readonly #chunker = new Chunker()
  #stage: Stage = 'head'
  #left = BLOCK
  #padding = 0
  #held: Uint8Array[] = []
  #size: number | null = null

  /** Anew, or where another cutter paused. */
  constructor(paused?: Paused) {
    if (paused === undefined) return
    const { stage, left, padding, held, size } = paused.state
    this.#stage = stage
    this.#left = left
    this.#padding = padding
    this.#held = held === '' ? [] : [Buffer.from(held, 'base64')]
    this.#size = size
    this.#chunker.space(paused.tail.length).set(paused.tail)
    this.#chunker.wrote(paused.tail.length)
  }

  /** Takes the next bytes; answers the chunks that are certain now, the caller's to keep. */
  *push(bytes: Uint8Array): Generator<Buffer, void, undefined> {
    for (let at = 0; at < bytes.length; ) {
      const room = this.#stage === 'plain' ? bytes.length : this.#left
      const part = bytes.subarray(at, at + room)
      at += part.length
      yield* this.#cut(part)
      if (this.#stage === 'plain') continue
      if (this.#stage === 'head' || this.#stage === 'extra') this.#held.push(Buffer.from(part))
      this.#left -= part.length
      if (this.#left === 0) yield* this.#next()
    }
  }

  /** The last chunks. */
  *end(): Generator<Buffer, void, undefined> {
    for (let chunk = this.#chunker.next(true); chunk; chunk = this.#chunker.next(true)) {
      yield Buffer.from(chunk)
    }
  }

  /** Ends this cutter so that another can go on. */
  pause(): Paused {
    const state = {
      stage: this.#stage,
      left: this.#left,
      padding: this.#padding,
      held: Buffer.concat(this.#held).toString('base64'),
      size: this.#size,
    }
    return { state, tail: Buffer.concat([...this.end()]) }
  }

  *#cut(part: Uint8Array): Generator<Buffer, void, undefined> {
    for (let at = 0; at < part.length; ) {
      const space = this.#chunker.space(Math.min(part.length - at, CHUNK_MAX))
      const some = part.subarray(at, at + space.length)
      space.set(some)
      this.#chunker.wrote(some.length)
      at += some.length
      for (let chunk = this.#chunker.next(false); chunk; chunk = this.#chunker.next(false)) {
        yield Buffer.from(chunk)
      }
    }
  }

  /** The stage has ended. */
  *#next(): Generator<Buffer, void, undefined> {
    const ended = this.#stage
    const held = Buffer.concat(this.#held)
    this.#held = []
    if (ended === 'head') return yield* this.#read(held)
    if (ended === 'extra') this.#size = sizeAmong(held) ?? this.#size
    if (ended === 'file') yield* this.end()
    this.#go('head')
    if (ended === 'file' && this.#padding > 0) this.#go('between', this.#padding)
  }

  *#read(head: Buffer): Generator<Buffer, void, undefined> {
    const found = headIn(head)
    if (found === undefined) return this.#go('plain')
    const { type } = found
    if (type === 'x' && found.size > 0 && found.size <= EXTRA_MAX) {
      return this.#go('extra', whole(found.size))
    }
    const isExtra = 'xgLK'.includes(type)
    const size = isExtra ? found.size : (this.#size ?? found.size)
    if (!isExtra) this.#size = null
    // Links, devices, folders and pipes have no content, whatever their size says.
    if (size === 0 || '123456'.includes(type)) return this.#go('head')
    if (isExtra || size < CHUNK_MIN) return this.#go('between', whole(size))
    yield* this.end()
    this.#go('file', size)
    this.#padding = whole(size) - size
  }

  #go(stage: Stage, left: number = BLOCK): void {
    this.#stage = stage
    this.#left = left
  }
}

/** With padding. */
function whole(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

const SIZE = { at: 124, end: 136 }
const CHECKSUM = { at: 148, end: 156 }
const TYPE = 156
const MAGIC = { at: 257, end: 262 }

function headIn(block: Buffer): { type: string; size: number } | undefined {
  if (block.toString('latin1', MAGIC.at, MAGIC.end) !== 'ustar') return undefined
  if (octalIn(block, CHECKSUM) !== checksumOf(block)) return undefined
  const size = sizeIn(block)
  if (size === undefined) return undefined
  return { type: String.fromCharCode(block[TYPE]!), size }
}

function checksumOf(block: Buffer): number {
  let sum = 0
  for (let at = 0; at < BLOCK; at++) {
    sum += at >= CHECKSUM.at && at < CHECKSUM.end ? 0x20 : block[at]!
  }
  return sum
}

/** Octal digits, or (first bit set) a number of eleven bytes. */
function sizeIn(block: Buffer): number | undefined {
  if (block[SIZE.at] !== 0x80) return octalIn(block, SIZE)
  const size = Number(BigInt(`0x${block.toString('hex', SIZE.at + 1, SIZE.end)}`))
  return Number.isSafeInteger(size) ? size : undefined
}

function octalIn(block: Buffer, { at, end }: { at: number; end: number }): number | undefined {
  const [digits] = /^ *[0-7]*/.exec(block.toString('latin1', at, end)) ?? []
  return digits === undefined ? undefined : Number.parseInt(`0${digits.trim()}`, 8)
}

/** What pax records (`<length> <key>=<value>\n`) say of the size. */
function sizeAmong(records: Buffer): number | undefined {
  let size: number | undefined
  for (let at = 0; at < records.length; ) {
    const [whole, length] = /^(\d{1,8}) /.exec(records.toString('latin1', at, at + 10)) ?? []
    const end = at + Number(length)
    if (whole === undefined || end <= at + whole.length || end > records.length) return size
    const [, digits] =
      /^size=(\d{1,15})\n$/.exec(records.toString('latin1', at + whole.length, end)) ?? []
    if (digits !== undefined) size = Number(digits)
    at = end
  }
  return size
}
