/* One `put`: from objects that somebody brings to packs whose bytes are durable.
 *
 * Objects are collected in blocks (blocks.ts). While one block is filled, those before it are hashed
 * and written. What the store has already is left out, to be looked for once more at the end. A put
 * of one block stays in memory: the committer lays it into a pack together with others. */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type Digest, digestFromRaw } from '../../api/digest.ts'
import { DigestSet } from '../../api/digest-set.ts'
import { OBJECT_MAX } from '../../api/tree.ts'
import { tooLarge } from '../refusals.ts'
import { BLOCK, type Block, type BlockPool, HEADER } from './blocks.ts'
import type { Hashing } from './hashing.ts'
import type { Ask } from './live-catalog.ts'
import { type Batch, type Pack, PackSeries } from './packs.ts'
import type { Shelf } from './shelf.ts'

/** Blocks that are hashed and written while the next is filled. */
const UNDERWAY = 2
const RAW = 32

/** What all drafts of a store use. */
export interface Desk {
  readonly shelf: Shelf
  readonly ask: Ask
  readonly pool: BlockPool
  readonly hashing: Hashing
}

export class Draft {
  readonly began = Date.now()
  /** Of everything that was brought, in order; complete after `end`. */
  readonly digests: Digest[] = []
  readonly #desk: Desk
  readonly #series: PackSeries
  #fresh: DigestSet | undefined
  readonly #relied: Buffer[] = []
  #block: Block | undefined
  /** Ends when every block that was sent on is done with. */
  #last: Promise<void> = Promise.resolve()
  #underway: Promise<void>[] = []
  #spilled = false
  #held: Batch | undefined

  constructor(desk: Desk) {
    this.#desk = desk
    this.#series = new PackSeries(desk.shelf)
  }

  /** A put of one block: its objects that the store lacks. */
  get held(): Batch | undefined {
    return this.#held
  }

  get empty(): boolean {
    return this.#fresh === undefined
  }

  /** What was there already, as raw digests: it must still be there at the end. */
  get relied(): readonly Buffer[] {
    return this.#relied
  }

  /** Resolves when the object's bytes are the caller's again; undefined if they are at once. */
  add(object: Uint8Array): Promise<void> | undefined {
    if (object.length > OBJECT_MAX) throw tooLarge(object.length)
    if (this.#block?.fits(object.length) !== true) return this.#addToNext(object)
    this.#block.add(object)
    return undefined
  }

  /** Its own packs, with durable bytes. */
  async end(): Promise<readonly Pack[]> {
    this.#send(true)
    await this.#last
    return this.#series.end()
  }

  async discard(): Promise<void> {
    await this.#last.catch(() => undefined)
    if (this.#block !== undefined) this.#desk.pool.give(this.#block)
    this.#block = undefined
    await this.#series.discard()
  }

  async #addToNext(object: Uint8Array): Promise<void> {
    this.#send(false)
    if (HEADER + object.length > BLOCK) return this.#addLarge(object)
    if (this.#underway.length > UNDERWAY) await this.#underway.shift()
    this.#block = await this.#desk.pool.take()
    this.#block.add(object)
  }

  /** Lets the open block go its way. */
  #send(last: boolean): void {
    const block = this.#block
    if (block === undefined) return
    this.#block = undefined
    const [before, hashed] = [this.#last, this.#desk.hashing.digest(block)]
    const done = (async () => {
      try {
        await before
        await hashed
        await this.#take(block, last)
      } finally {
        this.#desk.pool.give(block)
      }
    })()
    // Its failure is met by whoever waits for it next; until then it must not count as unhandled.
    done.catch(() => undefined)
    this.#last = done
    this.#underway.push(done)
  }

  async #take(block: Block, last: boolean): Promise<void> {
    const raws = Buffer.from(block.raws.subarray(0, block.count * RAW))
    const keep = await this.#lacking(raws)
    if (keep.includes(false)) block.sift(index => keep[index] === true)
    const { count } = block
    if (count === 0) return
    const bytes = block.bytes.subarray(0, block.filled)
    if (last && !this.#spilled) {
      this.#held = {
        bytes: Buffer.from(bytes),
        raws: Buffer.from(block.raws.subarray(0, count * RAW)),
        count,
      }
      return
    }
    this.#spilled = true
    await this.#series.add({ bytes, raws: block.raws, count })
  }

  async #addLarge(object: Uint8Array): Promise<void> {
    await this.#last
    const raw = await hashInTurns(object)
    const [keep] = await this.#lacking(raw)
    if (keep !== true) return
    this.#spilled = true
    await this.#series.addLarge(raw, object)
  }

  /** Notes the digests, and says which of them are to be written. */
  async #lacking(raws: Buffer): Promise<boolean[]> {
    const sizes = await this.#desk.ask(catalog => catalog.sizes(raws))
    return sizes.map((size, i) => {
      const raw = raws.subarray(i * RAW, (i + 1) * RAW)
      this.digests.push(digestFromRaw(raw))
      if (this.#fresh?.hasRaw(raw) === true) return false
      if (size === undefined) (this.#fresh ??= new DigestSet()).addPacked(raw)
      else this.#relied.push(raw)
      return size === undefined
    })
  }
}

/** Hashes a large object so that others get a turn meanwhile. */
async function hashInTurns(object: Uint8Array): Promise<Buffer> {
  const sum = createHash('sha256')
  for (let at = 0; at < object.length; at += 4 * BLOCK) {
    if (at > 0) await setImmediate()
    sum.update(object.subarray(at, at + 4 * BLOCK))
  }
  return sum.digest()
}
