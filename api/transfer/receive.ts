/* Receiving a folder or a file: each object's digest is known before it comes and is checked, the
 * result appears whole or not at all. Nothing is synced to disk: it is a copy that can be had again. */
import { type Digest, digestOf } from '../digest.ts'
import { isKaosError, KaosError } from '../errors.ts'
import { type Chunk, decodeTree, type Entry, segmentsOf, sizeOf } from '../tree.ts'
import { Frames } from './frames.ts'
import { FILE, Landing } from './landing.ts'
import { chunksIn, sizeIn } from './list.ts'
import { DEPTH_MAX } from './protocol.ts'

export interface ReceiveOptions {
  /** Files 0444 and 0555 instead of 0644 and 0755. */
  readonly readOnly?: boolean
  readonly progress?: (progress: { bytes: number; files: number }) => void
  readonly signal?: AbortSignal
}

export interface Received {
  readonly files: number
  readonly bytes: number
}

/** Bytes of a file that are written at once. */
const PIECE = 1024 * 1024
/** Files up to this size are written without leaving the thread. */
const SMALL = 256 * 1024

/** Lays the tree out at `target`, which must not be there or be empty. UNAVAILABLE if the stream was
 * cut, DIGEST_MISMATCH if it brings other bytes than asked for: then nothing is left behind. */
export function receiveTree(
  frames: AsyncIterable<Uint8Array>,
  tree: Digest,
  target: string,
  options: ReceiveOptions = {},
): Promise<Received> {
  const receiver = new Receiver(frames, new Landing(target, 'folder'), options)
  return receiver.run(() => receiver.folder('', tree, 0))
}

/** The same for a file outside any tree: a file list and its chunks. Replaces a file that is there. */
export function receiveFile(
  frames: AsyncIterable<Uint8Array>,
  file: Digest,
  path: string,
  options: ReceiveOptions = {},
): Promise<Received> {
  const receiver = new Receiver(frames, new Landing(path, 'file'), options)
  return receiver.run(() => receiver.file(FILE, file, false))
}

class Receiver {
  readonly #frames: Frames
  readonly #landing: Landing
  readonly #options: ReceiveOptions
  /** What is received is put here; while one is written the other is filled. */
  #memory = Buffer.alloc(0)
  #other = Buffer.alloc(0)
  #files = 0
  #bytes = 0

  constructor(frames: AsyncIterable<Uint8Array>, landing: Landing, options: ReceiveOptions) {
    this.#frames = new Frames(frames, () => this.#cut())
    this.#landing = landing
    this.#options = options
  }

  async run(receive: () => Promise<unknown>): Promise<Received> {
    try {
      await this.#landing.begin()
      await receive()
      if ((await this.#next()) !== undefined)
        throw new KaosError('DIGEST_MISMATCH', 'more came than was asked for; try again')
      await this.#landing.finish()
    } catch (error) {
      await this.#landing.discard()
      throw error
    } finally {
      await this.#frames.close()
    }
    return { files: this.#files, bytes: this.#bytes }
  }

  /** Answers the bytes of all files below. */
  async folder(path: string, digest: Digest, depth: number): Promise<number> {
    if (depth > DEPTH_MAX) throw new KaosError('BAD_REQUEST', `${path} is too deep a folder`)
    const entries = decodeTree(await this.#object(digest))
    const pathOf = ({ name }: Entry) => (path === '' ? name : `${path}/${name}`)
    await this.#smallFiles(entries, pathOf)
    for (const entry of entries) {
      if (entry.within !== undefined) continue
      const below = pathOf(entry)
      const size = await this.#entry(below, entry, depth)
      if (size !== entry.size) throw wrongSize(below, entry.size, size)
    }
    return sizeOf(entries)
  }

  /** Those that lie in the folder's segments. */
  async #smallFiles(entries: readonly Entry[], pathOf: (entry: Entry) => string): Promise<void> {
    let segment: Buffer = Buffer.alloc(0)
    const segments = segmentsOf(entries).values()
    for (const entry of entries) {
      if (entry.within === undefined) continue
      const { offset } = entry.within
      if (offset === 0) segment = await this.#segment(segments.next().value!)
      const bytes = segment.subarray(offset, offset + entry.size)
      await this.#landing.small(pathOf(entry), this.#modeOf(entry.kind === 'executable'), bytes)
      this.#files++
      this.#bytes += entry.size
      this.#tell()
    }
  }

  async #entry(path: string, entry: Entry, depth: number): Promise<number> {
    if (entry.kind !== 'folder') return this.file(path, entry.digest, entry.kind === 'executable')
    await this.#landing.folder(path)
    return this.folder(path, entry.digest, depth + 1)
  }

  /** Answers the bytes of the file. */
  async file(path: string, digest: Digest, executable: boolean): Promise<number> {
    const mode = this.#modeOf(executable)
    const list = await this.#object(digest)
    const size = sizeIn(list)
    if (size > SMALL) {
      await this.#landing.large(path, mode, this.#pieces(list))
    } else {
      const memory = this.#room()
      let filled = 0
      for (const chunk of chunksIn(list)) filled = await this.#chunk(chunk, memory, filled)
      await this.#landing.small(path, mode, memory.subarray(0, filled))
    }
    this.#files++
    this.#tell()
    return size
  }

  /** The file piece by piece, in two memories in turn. */
  async *#pieces(list: Buffer): AsyncGenerator<Buffer, void, undefined> {
    let memory = this.#room()
    let filled = 0
    for (const chunk of chunksIn(list)) {
      if (filled + chunk.length > memory.length) {
        yield memory.subarray(0, filled)
        ;[this.#memory, this.#other] = [this.#other, this.#memory]
        memory = this.#room()
        filled = 0
      }
      filled = await this.#chunk(chunk, memory, filled)
    }
    yield memory.subarray(0, filled)
  }

  #room(): Buffer {
    if (this.#memory.length === 0) this.#memory = Buffer.allocUnsafeSlow(PIECE)
    return this.#memory
  }

  async #segment(chunk: Chunk): Promise<Buffer> {
    const memory = this.#room()
    return memory.subarray(0, await this.#received(chunk, memory.subarray(0, chunk.length)))
  }

  /** Puts the chunk behind what is filled already; answers how much is then. */
  async #chunk(chunk: Chunk, memory: Buffer, filled: number): Promise<number> {
    const { length } = chunk
    await this.#received(chunk, memory.subarray(filled, filled + length))
    this.#bytes += length
    this.#tell()
    return filled + length
  }

  async #received({ digest, length }: Chunk, into: Buffer): Promise<number> {
    const coming = await this.#next()
    if (coming === undefined) throw this.#cut()
    if (coming !== length) throw wrongSize(digest, length, coming)
    await this.#reading(() => this.#frames.read(into))
    if (digestOf(into) === digest) return length
    throw otherBytes(digest)
  }

  #modeOf(executable: boolean): number {
    return (this.#options.readOnly ? 0o444 : 0o644) | (executable ? 0o111 : 0)
  }

  async #object(digest: Digest): Promise<Buffer> {
    const length = await this.#next()
    if (length === undefined) throw this.#cut()
    const object = await this.#reading(() => this.#frames.take(length))
    if (digestOf(object) === digest) return object
    throw otherBytes(digest)
  }

  /** The length of the next object. */
  #next(): Promise<number | undefined> {
    this.#options.signal?.throwIfAborted()
    return this.#reading(async () => this.#frames.nextNow() ?? this.#frames.next())
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      this.#options.signal?.throwIfAborted()
      throw isKaosError(error) ? error : this.#cut(error)
    }
  }

  #cut(cause?: unknown): KaosError {
    const message = `the download was cut after ${this.#bytes} bytes of content; try again`
    return new KaosError('UNAVAILABLE', message, { cause })
  }

  #tell(): void {
    this.#options.progress?.({ bytes: this.#bytes, files: this.#files })
  }
}

function otherBytes(digest: Digest): KaosError {
  return new KaosError('DIGEST_MISMATCH', `other bytes came than those of ${digest}; try again`)
}

function wrongSize(what: string, stated: number, real: number): KaosError {
  return new KaosError('DIGEST_MISMATCH', `${what} has ${real} bytes, not ${stated} as stated`)
}
