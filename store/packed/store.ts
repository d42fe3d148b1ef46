/* The store over a shelf, whichever that is: packs, what they hold, what became of it. */
import { type Digest, digestFromRaw, rawOf } from '../../api/digest.ts'
import { closed, damaged, refusal, removedMeanwhile, unknown } from '../refusals.ts'
import type { Checked, Condemned, Reading, Stats, Store } from '../store.ts'
import { BlockPool } from './blocks.ts'
import { bury } from './burying.ts'
import { Catalog } from './catalog.ts'
import { check } from './checking.ts'
import { Committer } from './commit.ts'
import { compact } from './compacting.ts'
import { type Condemnation, condemn, releaseOld } from './condemning.ts'
import { type Desk, Draft } from './draft.ts'
import { announceMarks, type Ground, setAside, written } from './ground.ts'
import { Hashing } from './hashing.ts'
import { identityOf } from './identity.ts'
import { LiveCatalog } from './live-catalog.ts'
import { mergeMarks } from './mark-effects.ts'
import { writeMarks } from './marks.ts'
import { PackReading } from './reading.ts'
import { sweepOrphans } from './recovery.ts'
import type { Shelf } from './shelf.ts'

/** So many digests are looked up before others get a turn. */
const SLICE = 1024

interface Options {
  readonly shelf: Shelf
  /** Where the catalog lies, on a disk of this host. */
  readonly catalog: string
  /** Who this process is, also after a crash, among those that share the shelf. */
  readonly owner: string
  /** What a store that is made now is to be called: a copy of another has its id. */
  readonly id?: string | undefined
}

export async function openPackedStore({
  shelf,
  catalog,
  owner,
  id: first,
}: Options): Promise<Store> {
  try {
    await shelf.sweep()
    const id = await identityOf(shelf, () => rememberedIn(catalog), first)
    const live = await LiveCatalog.open(shelf, catalog, id)
    const reading = new PackReading(shelf)
    const ground: Ground = { id, shelf, live, reading, worn: new Set() }
    await releaseOld(ground, owner)
    await bury(ground)
    // On a shelf of its own nothing is being written now.
    if (!shelf.shared) {
      await sweepOrphans(ground, Infinity)
      await live.work(current => mergeMarks(shelf, current, Date.now()))
    }
    return new PackedStore(ground, owner)
  } catch (error) {
    await shelf.close()
    throw error
  }
}

class PackedStore implements Store {
  readonly id: string
  readonly #ground: Ground
  readonly #owner: string
  readonly #desk: Desk
  readonly #committer: Committer
  #condemnation: Condemnation | undefined
  #compacting: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(ground: Ground, owner: string) {
    const { id, shelf, live } = ground
    this.id = id
    this.#ground = ground
    this.#owner = owner
    this.#desk = { shelf, ask: live.ask, pool: new BlockPool(), hashing: new Hashing() }
    this.#committer = new Committer(shelf, live)
  }

  async has(digests: readonly Digest[]): Promise<boolean[]> {
    return (await this.sizes(digests)).map(size => size !== undefined)
  }

  async sizes(digests: readonly Digest[]): Promise<(number | undefined)[]> {
    this.#refuseClosed()
    const { live } = this.#ground
    await live.hear()
    const sizes: (number | undefined)[] = []
    for (let at = 0; at < digests.length; at += SLICE) {
      if (at > 0) await new Promise(resolve => setImmediate(resolve))
      const raws = digests.slice(at, at + SLICE).map(rawOf)
      sizes.push(...(await live.ask(catalog => raws.map(raw => catalog.size(raw)))))
    }
    return sizes
  }

  async put(objects: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Digest[]> {
    this.#refuseClosed()
    const draft = new Draft(this.#desk)
    try {
      // What others condemned by now is not to be relied on.
      await this.#ground.live.hear()
      for await (const object of objects) {
        this.#refuseClosed()
        const held = draft.add(object)
        if (held !== undefined) await held
      }
      await this.#committer.commit(draft)
      await this.#requireRelied(draft)
      return draft.digests
    } catch (error) {
      await draft.discard().catch(() => undefined)
      throw refusal(error)
    }
  }

  async get(digest: Digest, { unchecked = false }: Reading = {}): Promise<Uint8Array> {
    const raw = rawOf(digest)
    for (let heard = false; ; ) {
      this.#refuseClosed()
      const place = await this.#ground.live.ask(catalog => catalog.locate(raw))
      if (place !== undefined) {
        const { reading } = this.#ground
        const found = await reading.object(raw, place, unchecked)
        if (typeof found !== 'string') return found
        await setAside(this.#ground, { raw, pack: place.pack }, place)
      } else if (heard || !this.#ground.shelf.shared) {
        throw await this.#absent(raw)
      } else {
        await this.#ground.live.hear()
        heard = true
      }
    }
  }

  async remove(digests: readonly Digest[]): Promise<void> {
    this.#refuseClosed()
    await this.#ground.live.hear()
    const raws = digests.map(rawOf)
    try {
      // Again, for what a compaction has copied meanwhile.
      while ((await this.#removeCopies(raws)) > 0);
      await bury(this.#ground)
    } catch (error) {
      throw refusal(error)
    }
  }

  async *list(): AsyncIterable<{ digest: Digest; size: number; at: number }> {
    this.#refuseClosed()
    await this.#ground.live.hear()
    let after: Buffer = Buffer.alloc(0)
    for (;;) {
      const page = await this.#ground.live.ask(catalog => catalog.page(after, SLICE))
      for (const { raw, size, at } of page) yield { digest: digestFromRaw(raw), size, at }
      const last = page.at(-1)
      if (last === undefined) return
      after = last.raw
    }
  }

  check(from?: string): AsyncIterable<Checked> {
    return check(this.#ground, from, () => this.#refuseClosed())
  }

  damaged(): Promise<number> {
    return this.#ground.live.ask(catalog => catalog.damaged())
  }

  async condemn(digests: AsyncIterable<Digest> | Iterable<Digest>): Promise<Condemned> {
    this.#refuseClosed()
    try {
      this.#condemnation = await condemn(this.#ground, this.#owner, digests)
      return this.#condemnation
    } catch (error) {
      throw refusal(error)
    }
  }

  async compact(deadShare: number): Promise<number> {
    this.#refuseClosed()
    const turn = this.#compacting.then(() =>
      compact(this.#ground, deadShare, () => this.#refuseClosed()),
    )
    this.#compacting = turn.catch(() => undefined)
    return turn.catch(error => {
      throw refusal(error)
    })
  }

  async stats(): Promise<Stats> {
    this.#refuseClosed()
    const { live, shelf } = this.#ground
    await live.hear()
    const total = await live.ask(catalog => catalog.total())
    const freeBytes = await shelf.freeBytes()
    return { ...total, ...(freeBytes !== undefined && { freeBytes }) }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      const { live, shelf } = this.#ground
      await this.#compacting
      await this.#committer.idle()
      // Whoever condemned these will not come back to them.
      await this.#condemnation?.release().catch(() => undefined)
      await live.close()
      await this.#desk.hashing.close()
      await shelf.close()
    })()
    return this.#closing
  }

  /** Removes the copies that are known now; answers how many. */
  async #removeCopies(raws: readonly Buffer[]): Promise<number> {
    const { live, shelf } = this.#ground
    const copies = await live.ask(catalog => {
      const found = raws.flatMap(raw => catalog.copies(raw))
      // From now on no put relies on them; a new copy of the same bytes is another copy.
      catalog.hide(found)
      return found
    })
    const names = await written(live, writeMarks(shelf, 'gone', copies)).catch(async error => {
      await live.ask(catalog => catalog.show(copies)).catch(() => undefined)
      throw error
    })
    // If this fails they stay hidden: what the next start finds removed is not to be relied on.
    await announceMarks(live, names)
    await live.ask(catalog => catalog.show(copies))
    return copies.length
  }

  /** What was here when the put began may have been removed or condemned since. */
  async #requireRelied({ relied }: Draft): Promise<void> {
    if (relied.length === 0) return
    const { live } = this.#ground
    await live.hear()
    for (let at = 0; at < relied.length; at += SLICE) {
      if (at > 0) await new Promise(resolve => setImmediate(resolve))
      const raws = relied.slice(at, at + SLICE)
      const sizes = await live.ask(catalog => raws.map(raw => catalog.size(raw)))
      const gone = raws[sizes.indexOf(undefined)]
      if (gone !== undefined) throw removedMeanwhile(digestFromRaw(gone))
    }
  }

  async #absent(raw: Buffer): Promise<Error> {
    const copies = await this.#ground.live.ask(catalog =>
      catalog.copies(raw).filter(copy => catalog.copy(copy) !== undefined),
    )
    const digest = digestFromRaw(raw)
    return copies.length === 0 ? unknown(digest) : damaged(digest, 'its bytes were set aside')
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw closed()
  }
}

/** The store's id, as an older catalog remembers it. */
function rememberedIn(file: string): string | undefined {
  try {
    const catalog = new Catalog(file)
    try {
      return catalog.store
    } finally {
      catalog.close()
    }
  } catch {
    return undefined
  }
}
