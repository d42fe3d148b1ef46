/* Objects on their way in: each digest is known before the object comes, and is checked. A file comes as
 * its list and then its chunks. UNAVAILABLE if the stream was cut, DIGEST_MISMATCH if it brings other
 * bytes than asked for. */
import { type Digest, digestOf } from '../digest.ts'
import { isKaosError, KaosError } from '../errors.ts'
import type { Chunk } from '../tree.ts'
import { Frames } from './frames.ts'
import { chunksIn } from './list.ts'

/** Bytes of a file that are handed on at once. */
export const PIECE = 1024 * 1024

export class Incoming {
  readonly #frames: Frames
  readonly #signal: AbortSignal | undefined
  readonly #came: (bytes: number) => void
  /** What is received is put here; while one is written the other is filled. */
  #memory = Buffer.alloc(0)
  #other = Buffer.alloc(0)
  #bytes = 0

  /** `came` is told of each chunk's bytes. */
  constructor(
    frames: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
    came: (bytes: number) => void = () => {},
  ) {
    this.#frames = new Frames(frames, () => this.#cut())
    this.#signal = signal
    this.#came = came
  }

  /** A tree or a file list: the caller's to keep. */
  async object(digest: Digest): Promise<Buffer> {
    const length = await this.#next()
    if (length === undefined) throw this.#cut()
    const object = await this.#reading(() => this.#frames.take(length))
    if (digestOf(object) === digest) return object
    throw otherBytes(digest)
  }

  /** A chunk or segment; good until the next call. */
  async chunk(chunk: Chunk): Promise<Buffer> {
    const memory = this.#room().subarray(0, chunk.length)
    await this.#received(chunk, memory)
    return memory
  }

  /** The chunks of a list that describes at most PIECE bytes; good until the next call. */
  async whole(list: Buffer): Promise<Buffer> {
    const memory = this.#room()
    let filled = 0
    for (const chunk of chunksIn(list)) filled = await this.#add(chunk, memory, filled)
    return memory.subarray(0, filled)
  }

  /** The chunks of a list, piece by piece, in two memories in turn: a piece is good until the one after
   * the next is asked for. */
  async *pieces(list: Buffer): AsyncGenerator<Buffer, void, undefined> {
    let memory = this.#room()
    let filled = 0
    for (const chunk of chunksIn(list)) {
      if (filled + chunk.length > memory.length) {
        yield memory.subarray(0, filled)
        ;[this.#memory, this.#other] = [this.#other, this.#memory]
        memory = this.#room()
        filled = 0
      }
      filled = await this.#add(chunk, memory, filled)
    }
    yield memory.subarray(0, filled)
  }

  /** DIGEST_MISMATCH if more comes. */
  async end(): Promise<void> {
    if ((await this.#next()) === undefined) return
    throw new KaosError('DIGEST_MISMATCH', 'more came than was asked for; try again')
  }

  /** No more is wanted. */
  async close(): Promise<void> {
    await this.#frames.close()
  }

  #room(): Buffer {
    if (this.#memory.length === 0) this.#memory = Buffer.allocUnsafeSlow(PIECE)
    return this.#memory
  }

  /** Puts the chunk behind what is filled already; answers how much is then. */
  async #add(chunk: Chunk, memory: Buffer, filled: number): Promise<number> {
    const { length } = chunk
    await this.#received(chunk, memory.subarray(filled, filled + length))
    this.#came(length)
    return filled + length
  }

  async #received({ digest, length }: Chunk, into: Buffer): Promise<void> {
    const coming = await this.#next()
    if (coming === undefined) throw this.#cut()
    if (coming !== length) throw wrongSize(digest, length, coming)
    await this.#reading(() => this.#frames.read(into))
    if (digestOf(into) !== digest) throw otherBytes(digest)
    this.#bytes += length
  }

  /** The length of the next object. */
  #next(): Promise<number | undefined> {
    this.#signal?.throwIfAborted()
    return this.#reading(async () => this.#frames.nextNow() ?? this.#frames.next())
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      this.#signal?.throwIfAborted()
      throw isKaosError(error) ? error : this.#cut(error)
    }
  }

  #cut(cause?: unknown): KaosError {
    const message = `the download was cut after ${this.#bytes} bytes of content; try again`
    return new KaosError('UNAVAILABLE', message, { cause })
  }
}

function otherBytes(digest: Digest): KaosError {
  return new KaosError('DIGEST_MISMATCH', `other bytes came than those of ${digest}; try again`)
}

export function wrongSize(what: string, stated: number, real: number): KaosError {
  return new KaosError('DIGEST_MISMATCH', `${what} has ${real} bytes, not ${stated} as stated`)
}
