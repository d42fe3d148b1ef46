/* Reading one file after another for sending: small ones whole, others cut into chunks that go out at
 * once. A file that changes while it is read is found out. */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Digest, digestOf } from '../digest.ts'
import { isKaosError } from '../errors.ts'
import { CHUNK_MIN } from '../tree.ts'
import { Chunker } from './chunker.ts'
import { FileList } from './list.ts'
import type { Outbox } from './outbox.ts'
import { refused, unreadable } from './walk.ts'

/** Up to this size a file is read at once, without leaving the thread: four times faster. */
const AT_ONCE = 256n * 1024n
/** Read at once from a large file. */
const PIECE = 1024 * 1024
// NONBLOCK: a FIFO that took a file's place must not hold us up. NOFOLLOW: nor a link lead us away.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

interface Options {
  readonly outbox: Outbox
  /** Told of bytes that were read; of a file that changed they are told again. */
  readonly read: (bytes: number) => void
  readonly signal: AbortSignal | undefined
}

export class FileSender {
  readonly #options: Options
  readonly #chunker = new Chunker()
  readonly #small = Buffer.allocUnsafeSlow(CHUNK_MIN)

  constructor(options: Options) {
    this.#options = options
  }

  /** The bytes of a small file that has these stats, good until the next call. */
  small(path: string, source: string, stats: BigIntStats): Buffer | 'changed' {
    const size = readWhole(path, source, stats, this.#small)
    if (size === 'changed') return size
    this.#options.read(size)
    return this.#small.subarray(0, size)
  }

  /** Sends the chunks and the list of a file that has these stats. */
  async send(
    path: string,
    source: string,
    stats: BigIntStats,
  ): Promise<{ digest: Digest; size: number } | 'changed'> {
    const list = new FileList()
    try {
      if (stats.size <= AT_ONCE) {
        const size = readWhole(path, source, stats, this.#chunker.space(Number(stats.size) + 1))
        if (size === 'changed') return size
        this.#chunker.wrote(size)
        await this.#cut(list, true)
      } else if ((await this.#readPieces(path, source, stats, list)) === 'changed') {
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
    return { digest, size: list.size }
  }

  async #readPieces(
    path: string,
    source: string,
    stats: BigIntStats,
    list: FileList,
  ): Promise<'changed' | undefined> {
    const handle = await open(source, FLAGS).catch(failing(path))
    try {
      for (let read = 0; read <= stats.size; ) {
        this.#options.signal?.throwIfAborted()
        const bytesRead = await this.#readPiece(path, handle)
        read += bytesRead
        await this.#cut(list, bytesRead === 0)
        if (bytesRead === 0) break
      }
      const after = await handle.stat({ bigint: true })
      return same(stats, after) && BigInt(list.size) === stats.size ? undefined : 'changed'
    } finally {
      await handle.close()
    }
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
