/* What is damaged or missing of the things that the ledger speaks of, and what that affects. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { Search } from './search.ts'

/** Findings and affected entities that are told one by one. */
const TOLD_MAX = 200
const NAMED = 20
const DAMAGED = 'its bytes are others'

export interface Unsound {
  readonly digest: Digest
  readonly reason: string
  /** Names of those that need it, the first of them. */
  readonly entities: string[]
  affects: number
}

export class Unsoundness {
  readonly #store: Pick<Store, 'get' | 'sizes'>
  readonly #search: Search
  readonly #found = new Map<Digest, Unsound>()
  /** What needs them, each once, the first of them. */
  readonly affected: Node[] = []

  /** `damage`: what reading every byte has found. */
  constructor(store: Pick<Store, 'get' | 'sizes'>, damage: ReadonlyMap<Digest, string>) {
    this.#store = store
    for (const [digest, reason] of damage) this.#add(digest, reason)
    this.#search = new Search(store, {
      among: async chunks => {
        const sizes = await store.sizes(chunks.map(chunk => chunk.digest))
        const absent = chunks.filter((_, i) => sizes[i] === undefined)
        const lost: Digest[] = []
        for (const { digest } of absent) if (await this.#isLost(digest)) lost.push(digest)
        return lost
      },
      itself: async (digest, trouble) => {
        if (trouble !== undefined) this.#add(digest, trouble)
        return trouble !== undefined
      },
    })
  }

  get size(): number {
    return this.#found.size
  }

  findings(): Unsound[] {
    return [...this.#found.values()].slice(0, TOLD_MAX)
  }

  /** What nothing needs may be gone by now, or was brought again. */
  async forgetHealed(): Promise<void> {
    for (const { digest, affects } of [...this.#found.values()]) {
      if (affects === 0 && (await this.#trouble(digest)) !== DAMAGED) this.#found.delete(digest)
    }
  }

  /** Looks at all that the entity consists of. */
  async look(node: Node, name: string): Promise<void> {
    const lost = await this.#search.in(node.digest!)
    for (const digest of lost) this.#affects(digest, name)
    if (lost.size > 0 && this.affected.length < TOLD_MAX) this.affected.push(node)
  }

  /** The same for a file that no entity has. */
  async lookAtFile(digest: Digest, name: string): Promise<void> {
    for (const lost of await this.#search.in(digest)) this.#affects(lost, name)
  }

  #affects(digest: Digest, name: string): void {
    const found = this.#found.get(digest)
    if (found === undefined) return
    found.affects++
    if (found.entities.length < NAMED) found.entities.push(name)
  }

  #add(digest: Digest, reason: string): void {
    if (this.#found.has(digest)) return
    this.#found.set(digest, { digest, reason, entities: [], affects: 0 })
  }

  /** Reading it tells. (What a collector has condemned counts as absent and can still be read.) */
  async #isLost(digest: Digest): Promise<boolean> {
    if (this.#found.has(digest)) return true
    const trouble = await this.#trouble(digest)
    if (trouble !== undefined) this.#add(digest, trouble)
    return trouble !== undefined
  }

  async #trouble(digest: Digest): Promise<string | undefined> {
    try {
      await this.#store.get(digest)
      return undefined
    } catch (error) {
      if (isKaosError(error, 'OBJECT_DAMAGED')) return DAMAGED
      if (isKaosError(error, 'OBJECT_UNKNOWN')) return 'it is missing'
      throw error
    }
  }
}
