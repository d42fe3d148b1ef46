/* Receiving a folder or a file: each object's digest is known before it comes and is checked, the
 * result appears whole or not at all. Nothing is synced to disk: it is a copy that can be had again. */
import { type Digest, digestOf } from '../digest.ts'
import { isKaosError, KaosError } from '../errors.ts'
import { decodeTree, type Entry, sizeOf } from '../tree.ts'
import { parseFrames } from './frames.ts'
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

/** Files up to this size are held whole before they are written. */
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
  readonly #objects: AsyncGenerator<Buffer, void, undefined>
  readonly #landing: Landing
  readonly #options: ReceiveOptions
  #files = 0
  #bytes = 0

  constructor(frames: AsyncIterable<Uint8Array>, landing: Landing, options: ReceiveOptions) {
    this.#objects = parseFrames(frames, () => this.#cut())
    this.#landing = landing
    this.#options = options
  }

  async run(receive: () => Promise<unknown>): Promise<Received> {
    try {
      await this.#landing.begin()
      await receive()
      const { done } = await this.#step()
      if (!done) throw new KaosError('DIGEST_MISMATCH', 'more came than was asked for; try again')
      await this.#landing.finish()
    } catch (error) {
      await this.#landing.discard()
      throw error
    } finally {
      await this.#objects.return()
    }
    return { files: this.#files, bytes: this.#bytes }
  }

  /** Answers the bytes of all files below. */
  async folder(path: string, digest: Digest, depth: number): Promise<number> {
    if (depth > DEPTH_MAX) throw new KaosError('BAD_REQUEST', `${path} is too deep a folder`)
    const entries = decodeTree(await this.#object(digest))
    for (const entry of entries) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`
      const size = await this.#entry(below, entry, depth)
      if (size !== entry.size) throw wrongSize(below, entry.size, size)
    }
    return sizeOf(entries)
  }

  async #entry(path: string, entry: Entry, depth: number): Promise<number> {
    if (entry.kind !== 'folder') return this.file(path, entry.digest, entry.kind === 'executable')
    await this.#landing.folder(path)
    return this.folder(path, entry.digest, depth + 1)
  }

  /** Answers the bytes of the file. */
  async file(path: string, digest: Digest, executable: boolean): Promise<number> {
    const mode = (this.#options.readOnly ? 0o444 : 0o644) | (executable ? 0o111 : 0)
    const list = await this.#object(digest)
    const size = sizeIn(list)
    if (size > SMALL) {
      await this.#landing.large(path, mode, this.#chunks(list))
    } else {
      await this.#landing.small(path, mode, await Array.fromAsync(this.#chunks(list)))
    }
    this.#files++
    this.#tell()
    return size
  }

  async *#chunks(list: Buffer): AsyncGenerator<Buffer, void, undefined> {
    for (const { digest, length } of chunksIn(list)) {
      const chunk = await this.#object(digest)
      if (chunk.length !== length) throw wrongSize(digest, length, chunk.length)
      this.#bytes += length
      this.#tell()
      yield chunk
    }
  }

  async #object(digest: Digest): Promise<Buffer> {
    this.#options.signal?.throwIfAborted()
    const { value, done } = await this.#step()
    if (done) throw this.#cut()
    if (digestOf(value) === digest) return value
    throw new KaosError('DIGEST_MISMATCH', `other bytes came than those of ${digest}; try again`)
  }

  async #step(): Promise<IteratorResult<Buffer, void>> {
    try {
      return await this.#objects.next()
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

function wrongSize(what: string, stated: number, real: number): KaosError {
  return new KaosError('DIGEST_MISMATCH', `${what} has ${real} bytes, not ${stated} as stated`)
}
