/* Objects on their way out: collected into batches, asked for, and only what is missing is sent.
 *
 * While some batches are asked for and sent, the next one is filled; never more than that, and their
 * memory is used again and again. What was missing of a batch that is mostly there goes with the next.
 * Chunks and segments go first; lists and trees name others, and are sent when those are durable. */
import type { Digest } from '../digest.ts'
import { Batch } from './batch.ts'

/** The other side of the wire. */
export interface Channel {
  /** For each digest, whether it is already there. At most HAVE_MAX at once. */
  have(digests: readonly Digest[]): Promise<boolean[]>
  /** The body of one `objects` call, in pieces: its concatenation is a frame stream of at most
   * BATCH_MAX bytes. Resolves when all of it is durable; then the pieces are used for other bytes. */
  objects(frames: Uint8Array[]): Promise<void>
}

/** Batches that are asked for or sent at once, beside the one that is filled. */
const UNDERWAY = 2

export class Outbox {
  readonly #channel: Channel
  /** Those of which something is to be sent come first. */
  readonly #idle: Batch[] = Array.from({ length: UNDERWAY }, () => new Batch())
  #filling = new Batch()
  readonly #names = new Batch()
  readonly #exchanges = new Set<Promise<void>>()
  /** Not yet known to be durable there. */
  readonly #underway = new Set<Digest>()
  #failure: { error: unknown } | undefined
  /** Bytes of the objects that were sent. */
  sentBytes = 0

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Takes a copy of a chunk or segment. Wait for the promise, if there is one, before the next. */
  add(digest: Digest, bytes: Uint8Array): Promise<void> | undefined {
    if (this.#underway.has(digest)) return undefined
    this.#underway.add(digest)
    if (!this.#filling.takes(bytes.length)) return this.#turn(digest, bytes)
    this.#filling.add(digest, bytes)
    return undefined
  }

  /** Takes a copy of a list or tree, after all that it names. */
  addNaming(digest: Digest, bytes: Uint8Array): Promise<void> | undefined {
    if (this.#underway.has(digest)) return undefined
    this.#underway.add(digest)
    if (!this.#names.takes(bytes.length)) {
      return this.flush().then(() => this.#names.add(digest, bytes))
    }
    this.#names.add(digest, bytes)
    return undefined
  }

  /** Resolves when everything that was added is durable on the other side. */
  async flush(): Promise<void> {
    await this.#drained()
    const last = this.#filling
    const apart = this.#idle.filter(batch => !last.join(batch))
    await Promise.all(apart.map(batch => this.#deliver(batch, true)))
    // In one body what comes first is there first as well.
    if (last.join(this.#names)) return this.#deliver(last, true)
    await this.#deliver(last, true)
    await this.#deliver(this.#names, true)
  }

  /** Begins the exchange over the batch that is full, and goes on with another. */
  async #turn(digest: Digest, bytes: Uint8Array): Promise<void> {
    while (!this.#filling.takes(bytes.length)) {
      this.#begin(this.#filling)
      while (this.#idle.length === 0) await Promise.race(this.#exchanges)
      this.#throwFailure()
      this.#filling = this.#idle.shift()!
    }
    this.#filling.add(digest, bytes)
  }

  #begin(batch: Batch): void {
    // Its failure is kept and thrown by the next call: nobody waits for this promise at once.
    const exchange = this.#deliver(batch, batch.unasked().length === 0)
      .catch(error => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#exchanges.delete(exchange)
        if (batch.isEmpty) this.#idle.push(batch)
        else this.#idle.unshift(batch)
      })
    this.#exchanges.add(exchange)
  }

  async #drained(): Promise<void> {
    while (this.#exchanges.size > 0) await Promise.race(this.#exchanges)
    this.#throwFailure()
  }

  /** Asks for what the batch holds and sends what is missing: all of it, or only if it is much. */
  async #deliver(batch: Batch, all: boolean): Promise<void> {
    const unasked = batch.unasked()
    if (unasked.length > 0) {
      const here = await this.#channel.have(unasked)
      for (const digest of batch.drop(here)) this.#underway.delete(digest)
    }
    if (batch.isEmpty || !(all || batch.isHeavy)) return
    await this.#channel.objects([batch.frames()])
    this.sentBytes += batch.objectBytes
    for (const digest of batch.digests) this.#underway.delete(digest)
    batch.clear()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
