/* From drafts that are ready to objects that are listed. Drafts that become ready together are
 * committed together: what they hold in memory shares a pack, and all share the syncs, in this
 * order: bytes, names of packs, segments, names of segments. Then others hear of it (on a shared
 * shelf), and only then the catalog. */
import { DigestSet } from '../../api/digest-set.ts'
import { tooSlow } from '../refusals.ts'
import { HEADER } from './blocks.ts'
import type { Draft } from './draft.ts'
import type { LiveCatalog } from './live-catalog.ts'
import { type Batch, type Pack, PackSeries } from './packs.ts'
import { publish, takeBack } from './publishing.ts'
import { ORPHAN_MS } from './recovery.ts'
import { decodeSegment } from './segments.ts'
import { packName, type Shelf, segmentName } from './shelf.ts'

/** No put may take longer: packs without a segment are swept in the end. */
const LONGEST_MS = ORPHAN_MS / 2

interface Waiting {
  readonly draft: Draft
  readonly packs: readonly Pack[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Committer {
  readonly #shelf: Shelf
  readonly #live: LiveCatalog
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(shelf: Shelf, live: LiveCatalog) {
    this.#shelf = shelf
    this.#live = live
  }

  /** Resolves when the draft's objects are durable and listed; if it rejects, none is. */
  async commit(draft: Draft): Promise<void> {
    const packs = await draft.end()
    // Its packs may soon be taken for what a crash left.
    if (Date.now() - draft.began > LONGEST_MS) {
      await this.#shelf.remove(packs.map(pack => packName(pack.id)))
      throw tooSlow()
    }
    if (draft.empty) return
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, packs, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is being committed. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // One turn later, so that drafts which become ready together go together.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0)
      try {
        await this.#commitGroup(group)
        for (const { resolve } of group) resolve()
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#running = undefined
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    const shared = new PackSeries(this.#shelf)
    let packs: readonly Pack[] = group.flatMap(one => one.packs)
    try {
      for (const batch of distinct(group.flatMap(one => one.draft.held ?? []))) {
        await shared.add(batch)
      }
      packs = [...packs, ...(await shared.end())]
    } catch (error) {
      await shared.discard().catch(() => undefined)
      await this.#shelf.remove(packs.map(pack => packName(pack.id))).catch(() => undefined)
      throw error
    }
    try {
      await publish(this.#shelf, packs)
      await this.#live.announce(
        packs.map(pack => segmentName(pack.id)),
        async () => true,
      )
      for (const { id, segment } of packs) {
        await this.#live.add(id, decodeSegment(id, segment) ?? [], Date.now())
      }
    } catch (error) {
      // On a shared shelf others may have met them, and rely on them: they stay, for a collection.
      if (this.#shelf.shared) this.#live.miss()
      else await takeBack({ shelf: this.#shelf, live: this.#live }, packs).catch(() => undefined)
      throw error
    }
  }
}

/** The batches without objects that an earlier one has. */
function* distinct(batches: readonly Batch[]): Generator<Batch, void, undefined> {
  if (batches.length <= 1) return yield* batches
  const poured = new DigestSet()
  for (const { bytes, raws, count } of batches) {
    const parts: Buffer[] = []
    const kept: Buffer[] = []
    for (let i = 0, at = 0; i < count; i++) {
      const end = at + HEADER + bytes.readUInt32BE(at)
      const raw = raws.subarray(i * 32, (i + 1) * 32)
      if (!poured.hasRaw(raw)) {
        poured.addPacked(raw)
        parts.push(bytes.subarray(at, end))
        kept.push(raw)
      }
      at = end
    }
    yield { bytes: Buffer.concat(parts), raws: Buffer.concat(kept), count: kept.length }
  }
}
