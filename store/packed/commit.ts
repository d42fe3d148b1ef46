/* From drafts that are ready to objects that are listed. Drafts that become ready together are
 * committed together: what they hold in memory shares a pack, and all share the syncs, in this
 * order: bytes, names of packs, segments, names of segments. Then others hear of it (on a shared
 * shelf), and only then the catalog. */
import { DigestSet } from '../../api/digest-set.ts'
import { tooSlow } from '../refusals.ts'
import { HEADER } from './blocks.ts'
import type { Draft } from './draft.ts'
import type { LiveCatalog } from './live-catalog.ts'
import { type Batch, type Pack, PackSeries, removePacks } from './packs.ts'
import { ORPHAN_MS } from './recovery.ts'
import { decodeSegment } from './segments.ts'
import { packName, type Shelf, segmentName } from './shelf.ts'

/** On a shared shelf no put may take longer: packs without a segment are swept in the end. */
const LONGEST_MS = ORPHAN_MS / 2
/** Segments written at the same time. */
const LANES = 4

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
    // Its packs may have been taken for what a crash left.
    if (this.#shelf.shared && Date.now() - draft.began > LONGEST_MS) throw tooSlow()
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
    const own = group.flatMap(one => one.packs)
    let packs: readonly Pack[] = own
    let [published, told] = [false, false]
    try {
      for (const batch of distinct(group.flatMap(one => one.draft.held ?? []))) {
        await shared.add(batch)
      }
      packs = [...own, ...(await shared.end())]
      published = true
      await publish(this.#shelf, packs)
      await this.#live.announce(
        packs.map(pack => segmentName(pack.id)),
        async () => {
          told = true
        },
      )
      for (const { id, segment } of packs) {
        await this.#live.add(id, decodeSegment(id, segment) ?? [], Date.now())
      }
    } catch (error) {
      // Others may rely on what they heard of.
      if (told && this.#shelf.shared) {
        this.#live.miss()
        throw error
      }
      await this.#takeBack(packs, published).catch(() => undefined)
      await shared.discard().catch(() => undefined)
      throw error
    }
  }

  /** Out of the catalog first: what is listed must be there. What cannot be taken back now is
   * garbage, and swept at the next start. */
  async #takeBack(packs: readonly Pack[], published: boolean): Promise<void> {
    const ids = packs.map(pack => pack.id)
    if (!published) return this.#shelf.remove(ids.map(packName))
    await this.#live.ask(catalog => {
      const known = new Set(catalog.packs().map(({ id }) => id))
      if (ids.some(id => known.has(id))) catalog.forgetPacks(ids)
    })
    await removePacks(this.#shelf, ids)
  }
}

/** From now on the packs count. */
export async function publish(shelf: Shelf, packs: readonly Pack[]): Promise<void> {
  await shelf.settle('packs')
  const left = packs.values()
  const lane = async () => {
    for (const { id, segment } of left) await shelf.write(segmentName(id), segment)
  }
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane))
  const failed = lanes.find(one => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  await shelf.settle('packs')
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
