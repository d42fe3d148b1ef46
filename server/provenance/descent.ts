/* What went into something and what came of it, as content goes: along the edges that bytes flow by,
 * and from one entity to others of the same bytes. Whoever brings the same bytes again brings what
 * they came from with them.
 *
 * A revision does not carry: `features@v2` stands beside `features@v1` because it was pushed after it,
 * and often to mend it. What both have in common is seen by content. Neither does the word that a job
 * was informed by another: it tells of people's thoughts, not of bytes. */
import type { Digest } from '../../api/digest.ts'
import type { Edge, Graph, Ledger, Node, Relation } from '../../graph/ledger.ts'

const CARRYING: readonly Relation[] = ['used', 'wasGeneratedBy', 'wasDerivedFrom', 'hadMember']
/** Kinds that people bring from outside, so that others may have the same. */
const BROUGHT = new Set(['data', 'model', 'source', 'artifact', 'manifest'])
/** Entities of one content that are looked at. */
const TWINS_MAX = 1000

export interface Descent {
  /** All that was reached, the starts included, the nearest first. */
  readonly nodes: ReadonlyMap<string, Node>
  /** Nodes from which the walk went on because their content was the same: twin's id -> of whom. */
  readonly twins: ReadonlyMap<string, Node>
  readonly truncated: boolean
}

export interface DescentQuery {
  readonly direction: 'up' | 'down'
  readonly organisation: string
  /** Look for equal content only here; absent: in the whole organisation. */
  readonly workspace?: string
  /** Nodes, at most. */
  readonly limit: number
}

export async function descentOf(
  ledger: Ledger,
  starts: readonly Node[],
  query: DescentQuery,
): Promise<Descent> {
  return new Walk(ledger, query).from(starts)
}

/** Whether content goes along this edge. */
export function carries({ relation, role }: Pick<Edge, 'relation' | 'role'>): boolean {
  if (relation === 'wasDerivedFrom') return role !== 'revision'
  return CARRYING.includes(relation)
}

class Walk {
  readonly #ledger: Ledger
  readonly #query: DescentQuery
  readonly #nodes = new Map<string, Node>()
  readonly #twins = new Map<string, Node>()
  readonly #asked = new Set<Digest>()
  #truncated = false

  constructor(ledger: Ledger, query: DescentQuery) {
    this.#ledger = ledger
    this.#query = query
  }

  async from(starts: readonly Node[]): Promise<Descent> {
    const open = [...starts]
    for (let start = open.shift(); start; start = open.shift()) {
      // One that was reached on the way was walked on from there already.
      if (this.#nodes.has(start.id)) continue
      for (const [twin, of] of await this.#walk(start)) {
        if (this.#nodes.has(twin.id) || this.#twins.has(twin.id)) continue
        this.#twins.set(twin.id, of)
        open.push(twin)
      }
      if (this.#nodes.size < this.#query.limit) continue
      this.#truncated ||= open.length > 0
      break
    }
    return { nodes: this.#nodes, twins: this.#twins, truncated: this.#truncated }
  }

  /** Answers the twins of what it came by. */
  async #walk(start: Node): Promise<[Node, Node][]> {
    const { direction, limit } = this.#query
    const options = { direction, relations: CARRYING, limit }
    const graph = await this.#ledger.lineage(start.id, options)
    this.#truncated ||= graph.truncated
    const reached = reachedFrom(graph, start, direction)
    const madeHere = makersIn(graph)
    const twins: [Node, Node][] = []
    for (const node of reached) {
      if (this.#nodes.has(node.id)) continue
      this.#nodes.set(node.id, node)
      // What was made here has its whole history; what was brought has only its bytes.
      if (direction === 'up' && madeHere.has(node.id)) continue
      for (const twin of await this.#twinsOf(node)) {
        const counts = direction === 'up' || node === start || (await this.#wasBrought(twin))
        if (counts) twins.push([twin, node])
      }
    }
    return twins
  }

  async #wasBrought({ id }: Node): Promise<boolean> {
    const options = { direction: 'up', depth: 1, relations: ['wasGeneratedBy'] } as const
    const graph = await this.#ledger.lineage(id, options)
    return !makersIn(graph).has(id)
  }

  async #twinsOf({ digest, kind }: Node): Promise<Node[]> {
    if (digest === undefined || !BROUGHT.has(kind) || this.#asked.has(digest)) return []
    this.#asked.add(digest)
    const { organisation, workspace } = this.#query
    const where = { organisation, ...(workspace !== undefined && { workspace }) }
    const found = await this.#ledger.nodes({ ...where, digest, limit: TWINS_MAX })
    return found.filter(node => !this.#nodes.has(node.id))
  }
}

/** In the order of their distance, the start first. */
function reachedFrom(graph: Graph, start: Node, direction: 'up' | 'down'): Node[] {
  const [near, far] = direction === 'up' ? (['from', 'to'] as const) : (['to', 'from'] as const)
  const next = new Map<string, string[]>()
  for (const edge of graph.edges) {
    if (!carries(edge)) continue
    const ends = next.get(edge[near])
    if (ends) ends.push(edge[far])
    else next.set(edge[near], [edge[far]])
  }
  const reached = new Set([start.id])
  for (const id of reached) for (const end of next.get(id) ?? []) reached.add(end)
  const byId = new Map(graph.nodes.map(node => [node.id, node]))
  byId.set(start.id, start)
  return [...reached].flatMap(id => byId.get(id) ?? [])
}

/** Entities that an activity of ours made, other than by taking them in. */
function makersIn({ nodes, edges }: Graph): Set<string> {
  const kinds = new Map(nodes.map(node => [node.id, node.kind]))
  const made = edges.filter(
    ({ relation, to }) => relation === 'wasGeneratedBy' && kinds.get(to) !== 'import',
  )
  return new Set(made.map(edge => edge.from))
}
