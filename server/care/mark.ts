/* The first look of a collection: everything that is kept, and all that it consists of. */
import { type Digest, isDigest, rawOf } from '../../api/digest.ts'
import { sizeIn } from '../../api/transfer/list.ts'
import { decodeTree, sizeOf } from '../../api/tree.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { Census, type Place } from './census.ts'
import { type Held, heldContent } from './held.ts'
import { contentOf, entitiesOf, type Kept, openKept } from './kept.ts'
import { KeySet } from './key-set.ts'
import { type Met, Reach } from './reach.ts'

export interface Ground {
  readonly ledger: Ledger
  readonly store: Store
}

interface Bounds {
  /** Objects that sessions' notes do not keep. */
  readonly purged?: KeySet | undefined
  /** Remotes that were asked since then keep what they have; ms since 1970. */
  readonly since?: number
  /** Hears of every object that is met. */
  readonly met?: Met
}

export class Mark {
  readonly #ground: Ground
  readonly #purged: KeySet | undefined
  readonly #met: Met
  readonly since: number
  readonly reach: Reach
  readonly census = new Census()
  /** Entities whose content is not kept (raw ids). */
  readonly dropped = new KeySet(16)
  /** Of which something could not be read. */
  #troubled: Node | undefined

  constructor(
    ground: Ground,
    { purged, since = Number.POSITIVE_INFINITY, met = NOTHING }: Bounds = {},
  ) {
    this.#ground = ground
    this.#purged = purged
    this.#met = met
    this.since = since
    this.reach = new Reach(ground.store)
  }

  /** Why nothing may be taken away after this look. */
  get trouble(): string | undefined {
    const { hidden } = this.reach
    if (hidden === undefined) return undefined
    const node = this.#troubled
    const where = node ? ` of ${node.kind} ${node.name ?? node.id}` : ''
    const next = 'see what is damaged with: kaos admin fsck; heal it or purge it, then collect'
    return `${hidden.digest}${where} cannot be read, so what it names is not known; ${next}`
  }

  async everything(tell: (entities: number) => void): Promise<void> {
    const { ledger } = this.#ground
    const kept = await openKept(ledger)
    let entities = 0
    for await (const { node, isKept } of judged(entitiesOf(ledger), kept)) {
      if (isKept) await this.#entity(node)
      else this.dropped.raise(Buffer.from(node.id, 'hex'))
      tell(++entities)
    }
    for await (const held of heldContent(ledger, this.since)) await this.held(held)
  }

  /** What records hold. */
  async held(held: Held, also: Met = NOTHING): Promise<void> {
    if (held.is === 'entity') return this.content(held.node, also)
    const { digest } = held
    const place = held.workspace ?? null
    if (held.is === 'content' || held.is === 'perhaps') {
      return this.reach.perhaps(digest, this.#counted(place, also))
    }
    const raw = rawOf(digest)
    if (this.reach.has(raw) || (held.is === 'note' && this.#purged?.has(raw))) return
    const [size] = await this.#ground.store.sizes([digest])
    this.reach.object(raw, size ?? 0, this.#counted(place, also))
  }

  /** All that an entity and its parts consist of. */
  async content(node: Node, also: Met = NOTHING): Promise<void> {
    for await (const digest of contentOf(this.#ground.ledger, node)) {
      await this.#reached(node, digest, also)
    }
  }

  async #entity(node: Node): Promise<void> {
    for (const value of [node.digest, ...Object.values(node.attributes)]) {
      if (isDigest(value)) await this.#reached(node, value, NOTHING)
    }
    this.census.entity(node.workspace ?? null, await this.#bytesOf(node))
  }

  /** What attributes name may be something else than content of ours; an entity's digest is not. */
  async #reached(node: Node, digest: Digest, also: Met): Promise<void> {
    const met = this.#counted(node.workspace ?? null, also)
    const before = this.reach.hidden
    if (digest === node.digest) await this.reach.content(digest, met)
    else await this.reach.perhaps(digest, met)
    if (before === undefined && this.reach.hidden !== undefined) this.#troubled = node
  }

  async #bytesOf({ digest, attributes }: Node): Promise<number> {
    if (typeof attributes.bytes === 'number') return attributes.bytes
    if (typeof attributes.size === 'number') return attributes.size
    const bytes = await this.#ground.store.get(digest!).catch(() => undefined)
    if (bytes === undefined) return 0
    const isList = bytes[1] === 'F'.charCodeAt(0)
    return isList ? sizeIn(bytes) : sizeOf(decodeTree(bytes))
  }

  #counted(place: Place, also: Met): Met {
    return (raw, size) => {
      this.census.object(place, size)
      also(raw, size)
      this.#met(raw, size)
    }
  }
}

const NOTHING: Met = () => {}
/** Entities that are judged at the same time: the ledger answers from a thread of its own. */
const AT_ONCE = 64

async function* judged(
  nodes: AsyncIterable<Node>,
  kept: Kept,
): AsyncGenerator<{ node: Node; isKept: boolean }> {
  const judge = (some: readonly Node[]) =>
    Promise.all(some.map(async node => ({ node, isKept: await kept.has(node) })))
  let some: Node[] = []
  for await (const node of nodes) {
    some.push(node)
    if (some.length < AT_ONCE) continue
    yield* await judge(some)
    some = []
  }
  yield* await judge(some)
}
