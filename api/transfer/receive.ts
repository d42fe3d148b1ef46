/* Receiving a folder or a file: each object's digest is known before it comes and is checked, the
 * result appears whole or not at all. Nothing is synced to disk: it is a copy that can be had again. */
import type { Digest } from '../digest.ts'
import { KaosError } from '../errors.ts'
import { decodeTree, type Entry, segmentsOf, sizeOf } from '../tree.ts'
import { Incoming, wrongSize } from './incoming.ts'
import { FILE, Landing } from './landing.ts'
import { sizeIn } from './list.ts'
import { DEPTH_MAX } from './protocol.ts'

export interface ReceiveOptions {
  readonly progress?: (progress: { bytes: number; files: number }) => void
  readonly signal?: AbortSignal
}

export interface Received {
  readonly files: number
  readonly bytes: number
}

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
  readonly #incoming: Incoming
  readonly #landing: Landing
  readonly #options: ReceiveOptions
  #files = 0
  #bytes = 0

  constructor(frames: AsyncIterable<Uint8Array>, landing: Landing, options: ReceiveOptions) {
    this.#incoming = new Incoming(frames, options.signal, bytes => {
      this.#bytes += bytes
      this.#tell()
    })
    this.#landing = landing
    this.#options = options
  }

  async run(receive: () => Promise<unknown>): Promise<Received> {
    try {
      await this.#landing.begin()
      await receive()
      await this.#incoming.end()
      await this.#landing.finish()
    } catch (error) {
      await this.#landing.discard()
      throw error
    } finally {
      await this.#incoming.close()
    }
    return { files: this.#files, bytes: this.#bytes }
  }

  /** Answers the bytes of all files below. */
  async folder(path: string, digest: Digest, depth: number): Promise<number> {
    if (depth > DEPTH_MAX) throw new KaosError('BAD_REQUEST', `${path} is too deep a folder`)
    const entries = decodeTree(await this.#incoming.object(digest))
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
      if (offset === 0) segment = await this.#incoming.chunk(segments.next().value!)
      const bytes = segment.subarray(offset, offset + entry.size)
      await this.#landing.small(pathOf(entry), modeOf(entry.kind === 'executable'), bytes)
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
    const mode = modeOf(executable)
    const list = await this.#incoming.object(digest)
    const size = sizeIn(list)
    if (size > SMALL) await this.#landing.large(path, mode, this.#incoming.pieces(list))
    else await this.#landing.small(path, mode, await this.#incoming.whole(list))
    this.#files++
    this.#tell()
    return size
  }

  #tell(): void {
    this.#options.progress?.({ bytes: this.#bytes, files: this.#files })
  }
}

function modeOf(executable: boolean): number {
  return executable ? 0o755 : 0o644
}
