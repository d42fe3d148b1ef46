/* What did this come from, and what came from it? One query, planned as a pruning breadth-first
 * expansion: each node is met once, however many ways lead to it, and the nearest come first. The
 * plan depends on the form of the text (a test asks EXPLAIN for each): the lower bound is 1, the ends
 * are DISTINCT, and no named path is measured. A bound cannot be a parameter, so it is written into the
 * text once it is known to be a whole number. */

import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import {
  type Edge,
  type Graph,
  type LineageQuery,
  type Node,
  type ProvClass,
  RELATIONS,
  type Relation,
} from '../ledger.ts'
import { CLASS_OF } from './batch.ts'
import type { Ask } from './connection.ts'
import { type Names, typesOf } from './names.ts'

const LIMIT_DEFAULT = 10_000
const EMPTY: Graph = { nodes: [], edges: [], truncated: false }
/** No ledger's clock of statements comes so far. */
const NOW = Number.MAX_SAFE_INTEGER
/** Nodes whose edges one question asks for. */
const EDGES_OF = 500
const TURN = 1000
/** A node as it comes: the driver takes a list apart faster than a map. */
type Packed = readonly [
  id: string,
  kindClass: ProvClass,
  kind: string,
  organisation: string,
  workspace: string | null,
  digest: Digest | null,
  name: string | null,
  attributes: string,
  seq: number,
  at: number,
  n: number,
]
/** Place of `n` in it. */
const N = 10
const PACKED = `[p.id, ${CLASS_OF}, p.kind, p.organisation, p.workspace, p.digest, p.name,
  p.attributes, p.seq, p.at, p.n]`

/** The text that finds what can be reached from $id, but at most $most, the nearest first. */
export function reachText(names: Names, query: LineageQuery): string {
  const { direction, depth, asOf, relations = RELATIONS } = query
  const bound = depth === undefined ? '' : String(depth)
  const step = `[r:${typesOf(relations)}*1..${bound}]`
  const way = direction === 'up' ? `-${step}->` : `<-${step}-`
  const known =
    asOf === undefined
      ? ''
      : 'AND all(x IN r WHERE x.seq <= $asOf AND startNode(x).seq <= $asOf AND endNode(x).seq <= $asOf)'
  // Without the hint the database may begin at the other end, with every node there is.
  return `MATCH (s:${names.prov} {id: $id})${way}(p)
    USING INDEX SEEK s:${names.prov}(id)
    WHERE p <> s ${known}
    WITH DISTINCT p LIMIT $most RETURN ${PACKED} AS p`
}

export async function lineageOf(
  ask: Ask,
  names: Names,
  id: string,
  query: LineageQuery,
): Promise<Graph> {
  requireWhole(query)
  const asOf = query.asOf ?? NOW
  const [start] = await ask(
    `MATCH (p:${names.prov} {id: $id}) WHERE p.seq <= $asOf RETURN ${PACKED} AS p`,
    { id, asOf },
  )
  if (start === undefined) return EMPTY
  const limit = query.limit ?? LIMIT_DEFAULT
  const none = query.depth === 0 || query.relations?.length === 0
  const rows = none ? [] : await ask(reachText(names, query), { id, asOf, most: limit + 1 })
  const found = [start, ...rows].map(row => row.p as unknown as Packed)
  const packed = found.slice(0, limit + 1)
  const places = new Map<number, number>()
  const nodes = await inTurns(packed, one => {
    places.set(one[N], places.size)
    return nodeOf(one)
  })
  const edges = await edgesAmong(ask, names, places, nodes, query)
  return { nodes, edges, truncated: found.length > limit + 1 }
}

/** A part in each turn of the event loop: others have to be served meanwhile. */
async function inTurns<From, To>(all: readonly From[], of: (one: From) => To): Promise<To[]> {
  const made: To[] = []
  for (const [i, one] of all.entries()) {
    if (i > 0 && i % TURN === 0) await new Promise(resolve => setImmediate(resolve))
    made.push(of(one))
  }
  return made
}

/** Edges are asked for from below: what a thing came from is little, what came from it may be much.
 * They come as columns, which cost the driver a third of what rows cost. `places`: of the nodes, by n. */
async function edgesAmong(
  ask: Ask,
  names: Names,
  places: ReadonlyMap<number, number>,
  nodes: readonly Node[],
  { asOf, relations = RELATIONS }: LineageQuery,
): Promise<Edge[]> {
  if (relations.length === 0) return []
  const ns = [...places.keys()]
  const edges: Edge[] = []
  for (let at = 0; at < ns.length; at += EDGES_OF) {
    const [columns] = await ask(
      `UNWIND $ns AS n MATCH (a:${names.prov} {n: n})-[r:${typesOf(relations)}]->(b)
       WHERE r.seq <= $asOf
       RETURN collect(n) AS froms, collect(type(r)) AS relations, collect(b.n) AS tos,
         collect(coalesce(r.role, '')) AS roles, collect(r.seq) AS seqs`,
      { ns: ns.slice(at, at + EDGES_OF), asOf: asOf ?? NOW },
    )
    const { froms, relations: words, tos, roles, seqs } = columns as unknown as Columns
    for (let i = 0; i < froms.length; i++) {
      const place = places.get(tos[i]!)
      if (place === undefined) continue
      const [from, to] = [nodes[places.get(froms[i]!)!]!.id, nodes[place]!.id]
      const [relation, role, seq] = [words[i]!, roles[i]!, seqs[i]!]
      edges.push(role === '' ? { from, relation, to, seq } : { from, relation, to, role, seq })
    }
  }
  return edges
}

interface Columns {
  readonly froms: readonly number[]
  readonly relations: readonly Relation[]
  readonly tos: readonly number[]
  /** Empty: none. */
  readonly roles: readonly string[]
  readonly seqs: readonly number[]
}

function nodeOf(packed: Packed): Node {
  const [id, kindClass, kind, organisation, workspace, digest, name] = packed
  return {
    ...{ id, class: kindClass, kind, organisation },
    ...(workspace !== null && { workspace }),
    ...(digest !== null && { digest }),
    ...(name !== null && { name }),
    attributes: JSON.parse(packed[7]) as Node['attributes'],
    seq: packed[8],
    at: new Date(packed[9]).toISOString(),
  }
}

function requireWhole({ depth, limit, asOf, relations = [] }: LineageQuery): void {
  for (const bound of [depth, limit, asOf]) {
    if (bound === undefined || (Number.isSafeInteger(bound) && bound >= 0)) continue
    throw new KaosError('BAD_REQUEST', `${bound} is no depth, limit or number of a statement`)
  }
  const unknown = relations.find(relation => !RELATIONS.includes(relation))
  if (unknown === undefined) return
  throw new KaosError('BAD_REQUEST', `there is no relation ${JSON.stringify(unknown)}`)
}
