/* Reading a large file that was read before: most of it is mostly as it was. Where a chunk of the old
 * file would begin again, the next ones are expected to be those that followed it. Whether they are
 * is a matter of their digests alone, which two threads take at the same time; where to cut need not
 * be looked for, since a chunk with the same bytes ends at the same place. Where a digest is another,
 * the file is cut as any other, until a chunk of the old file comes up again.
 *
 * The result is the same as if the whole file had been cut (test/api/rescan.test.ts). */
import { hash } from 'node:crypto'
import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Digest, digestFromRaw, digestOf } from '../digest.ts'
import { CHUNK_MAX } from '../tree.ts'
import type { Chunker } from './chunker.ts'
import { HashThread, type Part } from './hash-thread.ts'

/** From this size on a file's list is remembered for it. */
export const RESCANNED = 64 * 1024 * 1024
/** A list of more bytes is not: some 14 GiB of a file. */
export const LIST_MAX = 8 * 1024 * 1024

const HEAD = 8
const ROW = 36
/** Bytes whose digests a thread takes at once. */
const PART = 2 * 1024 * 1024
const AHEAD_MIN = 512 * 1024
/** Parts that the thread is given, so that it never waits for the next; and all that are begun, which is
 * what is read here until the thread has started. */
const QUEUE = 2
const UNDERWAY_MAX = 32
/** Then nothing is expected any more: the file was mixed up. */
const FAILURES_MAX = 32
const PIECE = 256 * 1024

interface Options {
  readonly handle: FileHandle
  readonly size: number
  /** Empty, for what is cut. */
  readonly chunker: Chunker
  /** The encoded list of the file as it was. */
  readonly before: Buffer
  /** Whether the other side has this chunk of it: others are cut and sent. */
  readonly isHere: (digest: Digest) => boolean
  /** A chunk that the other side has. */
  readonly same: (digest: Digest, length: number) => void
  /** Any other. Its bytes are good until what is answered has come true. */
  readonly fresh: (digest: Digest, chunk: Buffer) => Promise<void> | undefined
  /** Told of progress; may throw to end the reading. */
  readonly step: (bytes: number) => void
}

/** Chunks that are expected to follow one another. */
interface Expected extends Part {
  /** The first one's place in the old list. */
  readonly from: number
  readonly end: number
}

/** A part whose digests are being taken, or are there. */
interface Taking {
  readonly part: Expected
  digests: Uint8Array | undefined
  taken: Promise<void>
}

export class Rescan {
  readonly #options: Options
  readonly #count: number
  #thread: HashThread | undefined
  readonly #memory = Buffer.allocUnsafeSlow(PART + CHUNK_MAX)
  #places: Map<Digest, number> | undefined
  #offset = 0
  /** Bytes that are expected at once. */
  #ahead = PART
  /** How often in a row what was expected did not come. */
  #failures = 0

  constructor(options: Options) {
    this.#options = options
    this.#count = (options.before.length - HEAD) / ROW
  }

  /** Hands over the chunks of the file, in order. It ends early if the file does. */
  async run(): Promise<void> {
    const { size } = this.#options
    try {
      for (let next = 0; next >= 0 && this.#offset < size; ) {
        await this.#expect(next)
        if (this.#offset < size) next = await this.#cut()
      }
    } finally {
      await this.#thread?.close()
    }
  }

  /** Goes on as long as the chunks of the old file from this one on come one after the other. What is
   * looked at ahead grows with what was right, so that little is read in vain. */
  async #expect(from: number): Promise<void> {
    const underway: Taking[] = []
    let [next, offset] = [from, this.#offset]
    const begin = (take: (part: Expected) => Taking): boolean => {
      const part = this.#part(next, offset)
      if (part.lengths.length === 0) return false
      next += part.lengths.length
      offset = part.end
      underway.push(take(part))
      return true
    }
    while (this.#failures < FAILURES_MAX) {
      const thread = this.#ahead < PART ? undefined : this.#threadOf()
      while (thread !== undefined && thread.underway < QUEUE) {
        if (!begin(part => this.#there(thread, part))) break
      }
      // Never idle while the thread works; but its answers are let in.
      if (underway[0]?.digests !== undefined) await nextTurn()
      else if (underway.length < UNDERWAY_MAX && begin(part => this.#here(part))) await nextTurn()
      else if (underway[0] !== undefined) await underway[0].taken
      else return
      while (underway[0]?.digests !== undefined) {
        if (!this.#asExpected(underway.shift()!)) return
      }
    }
  }

  /** Whether all of a part is as it was; hands over what is. */
  #asExpected({ part, digests }: Taking): boolean {
    const matching = this.#matching(part, digests!)
    if (matching === part.lengths.length) {
      this.#failures = 0
      this.#ahead = Math.min(this.#ahead * 2, PART)
      return true
    }
    this.#ahead = AHEAD_MIN
    this.#failures = matching === 0 ? this.#failures + 1 : 0
    return false
  }

  #threadOf(): HashThread | undefined {
    if (availableParallelism() > 1) this.#thread ??= new HashThread()
    return this.#thread
  }

  #there(thread: HashThread, part: Expected): Taking {
    const taking: Taking = { part, digests: undefined, taken: Promise.resolve() }
    taking.taken = thread
      .digests(part)
      // What broke the thread is met, or not, by reading here.
      .catch(() => this.#digestsOf(part))
      .then(digests => {
        taking.digests = digests
      })
    // Nobody waits for those behind a part that was not as expected.
    taking.taken.catch(() => undefined)
    return taking
  }

  #here(part: Expected): Taking {
    return { part, digests: this.#digestsOf(part), taken: Promise.resolve() }
  }

  /** What is expected at this place: as many chunks as a thread takes at once. */
  #part(from: number, offset: number): Expected {
    const { handle, size, before } = this.#options
    const lengths: number[] = []
    let end = offset
    for (let at = from; at < this.#count && end - offset < this.#ahead; at++) {
      const length = before.readUInt32BE(HEAD + at * ROW + 32)
      // The last chunk ended with the old file, not because of its bytes.
      const last = at === this.#count - 1
      if (last ? end + length !== size : end + length > size) break
      if (!this.#options.isHere(this.#digestAt(at))) break
      lengths.push(length)
      end += length
    }
    return { from, fd: handle.fd, offset, lengths, end }
  }

  /** The same as the thread does. */
  #digestsOf({ fd, offset, lengths, end }: Expected): Uint8Array {
    const memory = this.#memory.subarray(0, end - offset)
    const digests = Buffer.alloc(lengths.length * 32)
    let read = 0
    for (let more = 1; more > 0 && read < memory.length; read += more) {
      more = readSync(fd, memory, read, memory.length - read, offset + read)
    }
    let from = 0
    for (const [i, length] of lengths.entries()) {
      if (from + length > read) break
      hash('sha256', memory.subarray(from, from + length), 'buffer').copy(digests, i * 32)
      from += length
    }
    return digests
  }

  /** Hands over the chunks that are as expected, up to the first that is not; answers how many. */
  #matching({ from, lengths }: Expected, digests: Uint8Array): number {
    const { before, same, step } = this.#options
    for (const [i, length] of lengths.entries()) {
      const row = HEAD + (from + i) * ROW
      if (before.compare(digests, i * 32, i * 32 + 32, row, row + 32) !== 0) return i
      same(this.#digestAt(from + i), length)
      this.#offset += length
      step(length)
    }
    return lengths.length
  }

  /** Cuts from here on, until a chunk of the old file comes up; answers the one after it, or -1 at the
   * end of the file. */
  async #cut(): Promise<number> {
    const { handle, chunker, fresh, step } = this.#options
    try {
      for (let read = this.#offset; ; ) {
        const { bytesRead } = await handle.read(chunker.space(PIECE), 0, PIECE, read)
        chunker.wrote(bytesRead)
        read += bytesRead
        for (
          let chunk = chunker.next(bytesRead === 0);
          chunk;
          chunk = chunker.next(bytesRead === 0)
        ) {
          const digest = digestOf(chunk)
          const { length } = chunk
          await fresh(digest, chunk)
          this.#offset += length
          step(length)
          const place = this.#failures < FAILURES_MAX ? this.#placeOf(digest) : undefined
          if (place !== undefined) return place + 1
        }
        if (bytesRead === 0) return -1
      }
    } finally {
      chunker.reset()
    }
  }

  #placeOf(digest: Digest): number | undefined {
    if (this.#places === undefined) {
      this.#places = new Map()
      for (let at = 0; at < this.#count; at++) this.#places.set(this.#digestAt(at), at)
    }
    return this.#places.get(digest)
  }

  #digestAt(at: number): Digest {
    const row = HEAD + at * ROW
    return digestFromRaw(this.#options.before.subarray(row, row + 32))
  }
}
