/* What a collection takes away, told in words that people know: by workspace, and by the entities
 * whose content it was. What no entity ever had was sent and never became anything. */
import { type Digest, digestFromRaw } from '../../api/digest.ts'
import type { Node } from '../../graph/ledger.ts'
import { Census, type Place } from './census.ts'
import { entitiesOf } from './kept.ts'
import { KeySet } from './key-set.ts'
import type { Ground, Mark } from './mark.ts'
import { Reach } from './reach.ts'

/** Entities and objects that are named one by one. */
const NAMED = 100
/** Workspaces that are told apart: a level of the set each. */
const PLACES = 254

export interface GoingEntity {
  readonly node: Node
  readonly bytes: number
}

export class Going {
  /** Of objects of dropped entities: 1 + the place of their workspace in #places. */
  readonly #owners = new KeySet(32)
  readonly #places: Place[] = []
  readonly census = new Census()
  readonly entities: GoingEntity[] = []
  /** The first of them. */
  readonly first: { digest: Digest; size: number }[] = []
  objects = 0
  bytes = 0

  /** Looks at what the dropped entities still have. Those that came after `young` are not named. */
  static async of({ ledger, store }: Ground, mark: Mark, young: number): Promise<Going> {
    const going = new Going()
    if (mark.dropped.size === 0) return going
    const reach = new Reach(store)
    for await (const node of entitiesOf(ledger)) {
      if (!mark.dropped.has(Buffer.from(node.id, 'hex'))) continue
      if (!(await store.has([node.digest!])).includes(true)) continue
      await going.#own(node, mark, reach, young)
    }
    return going
  }

  /** One of them passes. */
  count(raw: Buffer, size: number): void {
    this.objects++
    this.bytes += size
    const level = this.#owners.level(raw)
    this.census.object(level === 0 ? null : (this.#places[level - 1] ?? null), size)
    if (this.first.length < NAMED) this.first.push({ digest: digestFromRaw(raw), size })
  }

  async #own(node: Node, mark: Mark, reach: Reach, young: number): Promise<void> {
    const level = this.#levelOf(node.workspace ?? null)
    let bytes = 0
    await reach.content(node.digest!, (raw, size) => {
      if (mark.reach.has(raw)) return
      this.#owners.raise(raw, level)
      bytes += size
    })
    if (bytes === 0 || Date.parse(node.at) > young) return
    this.census.entity(node.workspace ?? null, bytes)
    if (this.entities.length < NAMED) this.entities.push({ node, bytes })
  }

  #levelOf(place: Place): number {
    const at = this.#places.indexOf(place)
    if (at >= 0) return at + 1
    if (this.#places.length < PLACES) return this.#places.push(place)
    return PLACES + 1
  }
}
