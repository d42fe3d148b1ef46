/* From objects that somebody brings to objects that are listed.
 *
 * A draft is one `put`. While it is small it stays in memory; when it grows it writes packs of its
 * own. Drafts that are ready at the same time are committed together: the small ones share a pack,
 * and all share the syncs, in this order: bytes, names of packs, segments, names of segments. Only
 * then the catalog hears of them. */
import { type Digest, digestFromRaw } from '../api/digest.ts'
import type { Catalog } from './catalog.ts'
import { type Files, type Layout, writeWhole } from './files.ts'
import { type Pack, PackSeries, removePacks } from './packs.ts'
import { encodeSegment } from './segments.ts'

/** Up to so many bytes a draft waits in memory. */
const SMALL = 1024 * 1024

interface Held {
  readonly raw: Buffer
  readonly bytes: Buffer
}

export class Draft {
  /** Of everything that was brought, in order. */
  readonly digests: Digest[] = []
  /** What was there already: it must still be there at the end. */
  readonly relied: Buffer[] = []
  readonly #fresh = new Set<Digest>()
  readonly #series: PackSeries
  #held: Held[] = []
  #heldBytes = 0
  #spilled = false

  constructor(files: Files, layout: Layout) {
    this.#series = new PackSeries(files, layout)
  }

  get held(): readonly Held[] {
    return this.#held
  }

  get empty(): boolean {
    return this.#fresh.size === 0
  }

  holds(digest: Digest): boolean {
    return this.#fresh.has(digest)
  }

  async add(digest: Digest, raw: Buffer, object: Uint8Array): Promise<void> {
    this.#fresh.add(digest)
    if (!this.#spilled && this.#heldBytes + object.length <= SMALL) {
      this.#held.push({ raw, bytes: Buffer.from(object) })
      this.#heldBytes += object.length
      return
    }
    this.#spilled = true
    for (const one of this.#held) await this.#series.add(one.raw, one.bytes)
    this.#held = []
    await this.#series.add(raw, object)
  }

  /** Its own packs, with durable bytes. */
  end(): Promise<readonly Pack[]> {
    return this.#series.end()
  }

  discard(): Promise<void> {
    return this.#series.discard()
  }
}

interface Waiting {
  readonly draft: Draft
  readonly packs: readonly Pack[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Something that can be asked to use the catalog. */
export type Ask = <T>(question: (catalog: Catalog) => T) => Promise<T>

export class Committer {
  readonly #files: Files
  readonly #layout: Layout
  readonly #ask: Ask
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(files: Files, layout: Layout, ask: Ask) {
    this.#files = files
    this.#layout = layout
    this.#ask = ask
  }

  /** Resolves when the draft's objects are durable and listed; if it rejects, none is. */
  async commit(draft: Draft): Promise<void> {
    const packs = await draft.end()
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
    const shared = new PackSeries(this.#files, this.#layout)
    const own = group.flatMap(one => one.packs)
    let packs: readonly Pack[] = own
    try {
      await this.#pour(group, shared)
      packs = [...own, ...(await shared.end())]
      await this.#files.syncFolder(this.#layout.packs)
      for (const { id, objects } of packs) {
        await writeWhole(this.#files, this.#layout.segment(id), encodeSegment(id, objects))
      }
      await this.#files.syncFolder(this.#layout.packs)
      for (const { id, objects } of packs) await this.#ask(catalog => catalog.add(id, objects))
    } catch (error) {
      // What cannot be taken back now is garbage, and swept at the next start.
      await this.#takeBack(packs, shared).catch(() => undefined)
      throw error
    }
  }

  async #pour(group: readonly Waiting[], shared: PackSeries): Promise<void> {
    const poured = new Set<Digest>()
    for (const { raw, bytes } of group.flatMap(one => one.draft.held)) {
      const digest = digestFromRaw(raw)
      if (poured.has(digest)) continue
      poured.add(digest)
      await shared.add(raw, bytes)
    }
  }

  /** Out of the catalog first: what is listed must be there. */
  async #takeBack(packs: readonly Pack[], shared: PackSeries): Promise<void> {
    const copies = packs.flatMap(({ id, objects }) => objects.map(({ raw }) => ({ raw, pack: id })))
    await this.#ask(catalog => catalog.drop(copies))
    await removePacks(
      this.#files,
      this.#layout,
      packs.map(pack => pack.id),
    )
    await shared.discard()
  }
}
