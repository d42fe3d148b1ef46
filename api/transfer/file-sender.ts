/* Reading one file after another for sending: small ones whole, others cut into chunks that go out at
 * once. A file that changes while it is read is found out. */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Digest, digestOf } from '../digest.ts'
import { isKaosError } from '../errors.ts'
import { CHUNK_MIN } from '../tree.ts'
import { Chunker, WINDOW } from './chunker.ts'
import { borrowField, lendBack } from './gear.ts'
import { chunksIn, FileList } from './list.ts'
import type { Channel, Outbox } from './outbox.ts'
import { HAVE_MAX } from './protocol.ts'
import { Rescan } from './rescan.ts'
import { codeOf, refused, unreadable } from './walk.ts'

/** Up to this size a file is read at once, without leaving the thread: four times faster. */
const AT_ONCE = 256n * 1024n
/** Read at once from a large file. */
const PIECE = 1024 * 1024
// NONBLOCK: a FIFO that took a file's place must not hold us up. NOFOLLOW: nor a link lead us away.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface SentFile {
  readonly digest: Digest
  readonly size: number
  /** The encoded list of its chunks. */
  readonly list: Buffer
}

interface Options {
  readonly outbox: Outbox
  readonly have: Channel['have']
  /** Told of bytes that were read; of a file that changed they are told again. */
  readonly read: (bytes: number) => void
  readonly signal: AbortSignal | undefined
}

export class FileSender {
  readonly #options: Options
  readonly #field = borrowField(WINDOW)
  readonly #chunker = new Chunker(this.#field)
  readonly #small = Buffer.allocUnsafeSlow(CHUNK_MIN)

  constructor(options: Options) {
    this.#options = options
  }

  /** Lets go of its memory. */
  close(): void {
    lendBack(this.#field)
  }

  /** The bytes of a small file that has these stats, good until the next call. */
  small(path: string, source: string, stats: BigIntStats): Buffer | 'changed' {
    const size = readWhole(path, source, stats, this.#small)
    if (size === 'changed') return size
    this.#options.read(size)
    return this.#small.subarray(0, size)
  }

  /** Sends the chunks and the list of a file that has these stats. `before`: the list of the file as
   * it was once, if that is known. */
  async send(
    path: string,
    source: string,
    stats: BigIntStats,
    before?: Buffer,
  ): Promise<SentFile | 'changed'> {
    const list = new FileList()
    try {
      if (stats.size <= AT_ONCE) {
        const size = readWhole(path, source, stats, this.#chunker.space(Number(stats.size) + 1))
        if (size === 'changed') return size
        this.#chunker.wrote(size)
        await this.#cut(list, true)
      } else if ((await this.#readOpen(path, source, stats, list, before)) === 'changed') {
        return 'changed'
      }
    } catch (error) {
      throw isKaosError(error, 'TOO_LARGE')
        ? refused(path, 'is too large', 'split it', error)
        : error
    } finally {
      this.#chunker.reset()
    }
    const encoded = list.encoded()
    const digest = digestOf(encoded)
    await this.#options.outbox.addNaming(digest, encoded)
    return { digest, size: list.size, list: encoded }
  }

  async #readOpen(
    path: string,
    source: string,
    stats: BigIntStats,
    list: FileList,
    before: Buffer | undefined,
  ): Promise<'changed' | undefined> {
    const handle = await open(source, FLAGS).catch(failing(path))
    try {
      if (before) await this.#rescan(path, handle, stats, list, before)
      else await this.#readPieces(path, handle, stats, list)
      const after = await handle.stat({ bigint: true })
      return same(stats, after) && BigInt(list.size) === stats.size ? undefined : 'changed'
    } finally {
      await handle.close()
    }
  }

  async #readPieces(
    path: string,
    handle: FileHandle,
    stats: BigIntStats,
    list: FileList,
  ): Promise<void> {
    for (let read = 0; read <= stats.size; ) {
      this.#options.signal?.throwIfAborted()
      const bytesRead = await this.#readPiece(path, handle)
      read += bytesRead
      await this.#cut(list, bytesRead === 0)
      if (bytesRead === 0) break
    }
  }

  async #rescan(
    path: string,
    handle: FileHandle,
    stats: BigIntStats,
    list: FileList,
    before: Buffer,
  ): Promise<void> {
    const { outbox, read, signal } = this.#options
    const missing = await this.#missingOf(before)
    const rescan = new Rescan({
      handle,
      size: Number(stats.size),
      chunker: this.#chunker,
      before,
      isHere: digest => !missing.has(digest),
      same: (digest, length) => list.add(digest, length),
      fresh: (digest, chunk) => {
        list.add(digest, chunk.length)
        return outbox.add(digest, chunk)
      },
      step: bytes => {
        signal?.throwIfAborted()
        read(bytes)
      },
    })
    await rescan.run().catch(error => {
      throw codeOf(error) === undefined ? error : unreadable(path, error)
    })
  }

  /** Which chunks of a list the other side lacks. */
  async #missingOf(list: Buffer): Promise<Set<Digest>> {
    const missing = new Set<Digest>()
    const all = Array.from(chunksIn(list), chunk => chunk.digest)
    for (let at = 0; at < all.length; at += HAVE_MAX) {
      const some = all.slice(at, at + HAVE_MAX)
      const here = await this.#options.have(some)
      for (const [i, digest] of some.entries()) if (!here[i]) missing.add(digest)
    }
    return missing
  }

  async #readPiece(path: string, handle: FileHandle): Promise<number> {
    const space = this.#chunker.space()
    const length = Math.min(space.length, PIECE)
    const { bytesRead } = await handle.read(space, 0, length).catch(failing(path))
    this.#chunker.wrote(bytesRead)
    return bytesRead
  }

  async #cut(list: FileList, end: boolean): Promise<void> {
    const before = list.size
    for (let chunk = this.#chunker.next(end); chunk; chunk = this.#chunker.next(end)) {
      const digest = digestOf(chunk)
      list.add(digest, chunk.length)
      const full = this.#options.outbox.add(digest, chunk)
      if (full !== undefined) await full
    }
    if (list.size > before) this.#options.read(list.size - before)
  }
}

/** Reads all of a file of so many bytes at once. `into` must have room for one byte more, so that
 * the end of a file that grows is not taken for its end. */
function readWhole(
  path: string,
  source: string,
  stats: BigIntStats,
  into: Buffer,
): number | 'changed' {
  let fd: number | undefined
  try {
    fd = openSync(source, FLAGS)
    const size = Number(stats.size)
    let read = 0
    // What comes short of what was asked for is the end, or a change that the stats then show.
    while (read <= size) {
      const asked = size + 1 - read
      const more = readSync(fd, into, read, asked, null)
      read += more
      if (more === 0 || read === size) break
    }
    return read === size && same(stats, fstatSync(fd, { bigint: true })) ? size : 'changed'
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function same(one: BigIntStats, other: BigIntStats): boolean {
  const { size, mtimeNs, ctimeNs, ino } = one
  return (
    size === other.size &&
    mtimeNs === other.mtimeNs &&
    ctimeNs === other.ctimeNs &&
    ino === other.ino
  )
}

/** Says which file of the bundle could not be read. */
function failing(path: string): (error: unknown) => never {
  return error => {
    throw unreadable(path, error)
  }
}
