/* What is damaged or missing of the things that the ledger speaks of, and what that affects. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { Search } from './search.ts'

/** Findings and affected entities that are told one by one. */
export const TOLD_MAX = 200
const NAMED = 20

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

  constructor(store: Pick<Store, 'get' | 'sizes'>) {
    this.#store = store
    this.#search = new Search(store, {
      among: async chunks => {
        const sizes = await store.sizes(chunks.map(chunk => chunk.digest))
        const absent = chunks.filter((_, i) => sizes[i] === undefined)
        const lost: Digest[] = []
        for (const { digest } of absent) if (await this.#isLost(digest)) lost.push(digest)
        return lost
      },
      itself: async (digest, trouble) => {
        if (trouble !== undefined) this.add(digest, trouble)
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

  add(digest: Digest, reason: string): void {
    if (this.#found.has(digest)) return
    this.#found.set(digest, { digest, reason, entities: [], affects: 0 })
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

  /** Reading it tells. (What a collector has condemned counts as absent and can still be read.) */
  async #isLost(digest: Digest): Promise<boolean> {
    if (this.#found.has(digest)) return true
    try {
      await this.#store.get(digest)
      return false
    } catch (error) {
      if (isKaosError(error, 'OBJECT_DAMAGED')) this.add(digest, 'its bytes are others')
      else if (isKaosError(error, 'OBJECT_UNKNOWN')) this.add(digest, 'it is missing')
      else throw error
      return true
    }
  }
}
