/* Objects on their way out: collected into batches, asked for, and only what is missing is sent.
 *
 * While one batch is asked for and sent, the next one is filled; never more than that, and their
 * memory is used again and again. Objects leave in the order in which they came, children first. */
import type { Digest } from '../digest.ts'
import { CHUNK_MAX } from '../tree.ts'
import { frameHeader, HAVE_MAX } from './protocol.ts'

/** The other side of the wire. */
export interface Channel {
  /** For each digest, whether it is already there. At most HAVE_MAX at once. */
  have(digests: readonly Digest[]): Promise<boolean[]>
  /** The body of one `objects` call, in pieces: its concatenation is a frame stream of at most
   * BATCH_MAX bytes. Resolves when all of it is durable; then the pieces are used for other bytes. */
  objects(frames: Uint8Array[]): Promise<void>
}

/** Bytes of a batch: large enough that a synced write is worth it. */
const BATCH = 8 * 1024 * 1024

export class Outbox {
  readonly #channel: Channel
  #filling = new Batch()
  #spare = new Batch()
  /** What was missing in batches that the other side mostly has. */
  readonly #missing = new Batch()
  /** Not yet known to be durable there. */
  readonly #underway = new Set<Digest>()
  #exchange: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | undefined
  /** Bytes of the objects that were sent. */
  sentBytes = 0

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Takes a copy of an object. Wait for the promise, if there is one, before the next. */
  add(digest: Digest, bytes: Uint8Array): Promise<void> | undefined {
    if (this.#underway.has(digest)) return undefined
    this.#underway.add(digest)
    if (!this.#filling.takes(bytes.length)) {
      return this.#turn().then(() => this.#filling.add(digest, bytes))
    }
    this.#filling.add(digest, bytes)
    return undefined
  }

  /** Resolves when everything that was added is durable on the other side. */
  async flush(): Promise<void> {
    await this.#turn()
    await this.#exchange
    this.#throwFailure()
    await this.#send(this.#missing)
  }

  /** Waits for the exchange under way and begins the next. */
  async #turn(): Promise<void> {
    await this.#exchange
    this.#throwFailure()
    const batch = this.#filling
    this.#filling = this.#spare
    this.#spare = batch
    // Its failure is kept and thrown by the next call: nobody waits for this promise at once.
    this.#exchange = this.#deliver(batch).catch(error => {
      this.#failure = { error }
    })
  }

  async #deliver(batch: Batch): Promise<void> {
    if (batch.digests.length === 0) return
    const here = await this.#channel.have(batch.digests)
    if (!here.includes(true)) {
      await this.#send(this.#missing)
      await this.#send(batch)
      return
    }
    for (const [i, digest] of batch.digests.entries()) {
      if (here[i]) {
        this.#underway.delete(digest)
        continue
      }
      const object = batch.object(i)
      if (!this.#missing.takes(object.length)) await this.#send(this.#missing)
      this.#missing.add(digest, object)
    }
    batch.clear()
  }

  async #send(batch: Batch): Promise<void> {
    if (batch.digests.length === 0) return
    await this.#channel.objects([batch.frames()])
    this.sentBytes += batch.objectBytes
    for (const digest of batch.digests) this.#underway.delete(digest)
    batch.clear()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** Objects as one run of frames, in memory that is kept. */
class Batch {
  readonly digests: Digest[] = []
  readonly #ends: number[] = []
  #bytes = Buffer.alloc(0)
  #length = 0

  get objectBytes(): number {
    return this.#length - this.digests.length * 4
  }

  /** An empty batch takes anything, so that no object is too large for any. */
  takes(size: number): boolean {
    if (this.digests.length === 0) return true
    return this.#length + size < BATCH && this.digests.length < HAVE_MAX
  }

  add(digest: Digest, object: Uint8Array): void {
    const end = this.#length + 4 + object.length
    if (end > this.#bytes.length) this.#grow(end)
    this.#bytes.set(frameHeader(object.length), this.#length)
    this.#bytes.set(object, this.#length + 4)
    this.digests.push(digest)
    this.#ends.push(end)
    this.#length = end
  }

  object(i: number): Buffer {
    return this.#bytes.subarray((this.#ends[i - 1] ?? 0) + 4, this.#ends[i])
  }

  frames(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.digests.length = 0
    this.#ends.length = 0
    this.#length = 0
    // What one huge object needed is given back.
    if (this.#bytes.length > BATCH + CHUNK_MAX) this.#bytes = Buffer.alloc(0)
  }

  /** All of a batch at once: untouched memory costs nothing. */
  #grow(length: number): void {
    const wider = Buffer.allocUnsafeSlow(Math.max(length, BATCH + CHUNK_MAX))
    this.#bytes.copy(wider, 0, 0, this.#length)
    this.#bytes = wider
  }
}
