/* Sending folders and files: read once, cut, hashed, and only what the other side lacks is sent. */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { type Digest, digestOf } from '../digest.ts'
import { isKaosError } from '../errors.ts'
import { EMPTY_TREE, type Entry, encodeTree, OBJECT_MAX, sizeOf } from '../tree.ts'
import { Chunker } from './chunker.ts'
import { FileList } from './list.ts'
import { type Channel, Outbox } from './outbox.ts'
import { type Ignores, refused, unreadable, walkFolder } from './walk.ts'

export type { Channel } from './outbox.ts'

export interface Sent {
  readonly tree: Digest
  readonly files: number
  /** Bytes of all files. */
  readonly bytes: number
  /** Bytes of the objects that had to be sent. */
  readonly sentBytes: number
}

export interface SendOptions {
  /** Instead of the default rules (walk.ts). */
  readonly ignores?: Ignores
  /** Told after each file and each piece of a large one; grows only. */
  readonly progress?: (progress: { bytes: number; files: number }) => void
  readonly signal?: AbortSignal
}

/** Up to this size a file is read at once, without leaving the thread: four times faster. */
const SMALL = 256 * 1024
/** Read at once from a large file. */
const PIECE = 1024 * 1024
/** After so many small files others get a turn. */
const FILES_PER_TURN = 64
// NONBLOCK: a FIFO that took a file's place must not hold us up. NOFOLLOW: nor a link lead us away.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Sends a folder. When it resolves, the whole tree is durable on the other side. INVALID_BUNDLE for
 * what a tree cannot hold and for a file that does not stand still. */
export async function sendFolder(
  folder: string,
  channel: Channel,
  options: SendOptions = {},
): Promise<Sent> {
  const sender = new Sender(channel, options)
  const folders: Entry[][] = [[]]
  for await (const step of walkFolder(folder, options)) {
    if (step.kind === 'enter') {
      folders.push([])
    } else if (step.kind === 'leave') {
      const entries = folders.pop() ?? []
      const digest = await sender.tree(step.path, entries)
      folders.at(-1)?.push({ name: step.name, kind: 'folder', size: sizeOf(entries), digest })
    } else {
      folders.at(-1)?.push({ name: step.name, ...(await sender.file(step.path, step.source)) })
    }
  }
  await sender.outbox.flush()
  const tree = folders[0]?.[0]?.digest ?? EMPTY_TREE
  return { tree, files: sender.files, bytes: sender.bytes, sentBytes: sender.outbox.sentBytes }
}

/** Sends one file outside any tree, a log for instance; answers the digest of its chunk list. */
export async function sendFile(
  path: string,
  channel: Channel,
  options: Pick<SendOptions, 'signal'> = {},
): Promise<{ digest: Digest; size: number }> {
  const sender = new Sender(channel, options)
  const { digest, size } = await sender.file(path, await realpath(path).catch(failing(path)))
  await sender.outbox.flush()
  return { digest, size }
}

class Sender {
  readonly outbox: Outbox
  readonly #options: SendOptions
  readonly #chunker = new Chunker()
  #told = 0
  files = 0
  bytes = 0

  constructor(channel: Channel, options: SendOptions) {
    this.outbox = new Outbox(channel)
    this.#options = options
  }

  async tree(path: string, entries: Entry[]): Promise<Digest> {
    const bytes = encodeTree(entries)
    if (bytes.length > OBJECT_MAX) {
      throw refused(path || 'the folder', 'holds too many files', 'spread them over folders')
    }
    const digest = digestOf(bytes)
    await this.outbox.add(digest, bytes)
    return digest
  }

  async file(path: string, source: string): Promise<Omit<Entry, 'name'>> {
    const before = this.bytes
    let read = await this.#read(path, source)
    if (read === 'changed') {
      this.bytes = before
      read = await this.#read(path, source)
    }
    if (read === 'changed') {
      throw refused(path, 'changes while it is read', 'stop what writes to it, then try again')
    }
    this.files++
    this.#tell()
    const encoded = read.list.encoded()
    const digest = digestOf(encoded)
    await this.outbox.add(digest, encoded)
    if (this.files % FILES_PER_TURN === 0) await new Promise(resolve => setImmediate(resolve))
    return { kind: read.executable ? 'executable' : 'file', size: read.list.size, digest }
  }

  async #read(path: string, source: string): Promise<Read | 'changed'> {
    const list = new FileList()
    try {
      const small = readSmall(path, source, this.#chunker)
      if (small === 'changed') return small
      if (small !== undefined) {
        await this.#cut(list, true)
        return { list, executable: small.executable }
      }
      const handle = await open(source, FLAGS).catch(failing(path))
      try {
        return await this.#readLarge(path, handle, list)
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw isKaosError(error, 'TOO_LARGE')
        ? refused(path, 'is too large', 'split it', error)
        : error
    } finally {
      this.#chunker.reset()
    }
  }

  async #readLarge(path: string, handle: FileHandle, list: FileList): Promise<Read | 'changed'> {
    const before = await handle.stat({ bigint: true })
    if (!before.isFile()) throw refused(path, 'is no longer a file', 'try again')
    for (let read = 0; read <= before.size; ) {
      this.#options.signal?.throwIfAborted()
      const space = this.#chunker.space()
      const length = Math.min(space.length, PIECE)
      const { bytesRead } = await handle.read(space, 0, length).catch(failing(path))
      this.#chunker.wrote(bytesRead)
      read += bytesRead
      await this.#cut(list, bytesRead === 0)
      if (bytesRead === 0) break
      this.#tell()
    }
    const after = await handle.stat({ bigint: true })
    if (!same(before, after) || BigInt(list.size) !== before.size) return 'changed'
    return { list, executable: isExecutable(before) }
  }

  /** A file that is read once more must not turn the progress back. */
  #tell(): void {
    this.#told = Math.max(this.#told, this.bytes)
    this.#options.progress?.({ bytes: this.#told, files: this.files })
  }

  async #cut(list: FileList, end: boolean): Promise<void> {
    for (let chunk = this.#chunker.next(end); chunk; chunk = this.#chunker.next(end)) {
      const digest = digestOf(chunk)
      list.add(digest, chunk.length)
      this.bytes += chunk.length
      const full = this.outbox.add(digest, chunk)
      if (full !== undefined) await full
    }
  }
}

interface Read {
  readonly list: FileList
  readonly executable: boolean
}

/** Reads a small file into the chunker; undefined if it is not a small file. */
function readSmall(path: string, source: string, chunker: Chunker) {
  let fd: number | undefined
  try {
    fd = openSync(source, FLAGS)
    const before = fstatSync(fd, { bigint: true })
    if (!before.isFile() || before.size > SMALL) return undefined
    const size = Number(before.size)
    // One byte more, to see the end of a file that grows.
    const space = chunker.space(size + 1)
    let read = 0
    for (let more = -1; more !== 0 && read <= size; read += more) {
      more = readSync(fd, space, read, size + 1 - read, null)
    }
    if (read !== size || !same(before, fstatSync(fd, { bigint: true }))) return 'changed'
    chunker.wrote(size)
    return { executable: isExecutable(before) }
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function same(one: BigIntStats, other: BigIntStats): boolean {
  const { size, mtimeNs, ctimeNs } = one
  return size === other.size && mtimeNs === other.mtimeNs && ctimeNs === other.ctimeNs
}

function isExecutable(stats: BigIntStats): boolean {
  return (stats.mode & 0o100n) !== 0n
}

/** Says which file of the bundle could not be read. */
function failing(path: string): (error: unknown) => never {
  return error => {
    throw unreadable(path, error)
  }
}
