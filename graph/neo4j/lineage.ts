/* What did this come from, and what came from it? One query, planned as a pruning breadth-first
 * expansion: each node is met once, however many ways lead to it, and the nearest come first. The
 * plan depends on the form of the text (a test asks EXPLAIN for each): the lower bound is 1, the ends
 * are DISTINCT, and no named path is measured. A bound cannot be a parameter, so it is written into the
 * text once it is known to be a whole number. */
import { KaosError } from '../../api/errors.ts'
import { type Graph, type LineageQuery, RELATIONS, type Relation } from '../ledger.ts'
import type { Ask, Row } from './connection.ts'
import { type Names, typesOf } from './names.ts'
import { nodeOf, THING } from './questions.ts'

const LIMIT_DEFAULT = 10_000
const EMPTY: Graph = { nodes: [], edges: [], truncated: false }
/** No ledger's clock of statements comes so far. */
const NOW = Number.MAX_SAFE_INTEGER
/** Nodes whose edges one question asks for. */
const EDGES_OF = 5000
const TURN = 1000

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
    WITH DISTINCT p LIMIT $most RETURN ${THING}`
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
    `MATCH (p:${names.prov} {id: $id}) WHERE p.seq <= $asOf RETURN ${THING}`,
    { id, asOf },
  )
  if (start === undefined) return EMPTY
  const limit = query.limit ?? LIMIT_DEFAULT
  const none = query.depth === 0 || query.relations?.length === 0
  const found = none ? [] : await ask(reachText(names, query), { id, asOf, most: limit + 1 })
  const nodes = await inTurns([start, ...found.slice(0, limit)], nodeOf)
  const edges = await edgesAmong(
    ask,
    names,
    nodes.map(node => node.id),
    query,
  )
  return { nodes, edges, truncated: found.length > limit }
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

/** Edges are asked for from below: what a thing came from is little, what came from it may be much. */
async function edgesAmong(
  ask: Ask,
  names: Names,
  ids: readonly string[],
  { asOf, relations = RELATIONS }: LineageQuery,
): Promise<Graph['edges']> {
  if (relations.length === 0) return []
  const among = new Set(ids)
  const edges: Graph['edges'][number][] = []
  for (let at = 0; at < ids.length; at += EDGES_OF) {
    const rows = await ask(
      `UNWIND $ids AS id MATCH (a:${names.prov} {id: id})-[r:${typesOf(relations)}]->(b)
       WHERE r.seq <= $asOf
       RETURN id AS from, type(r) AS relation, b.id AS to, r.role AS role, r.seq AS seq`,
      { ids: ids.slice(at, at + EDGES_OF), asOf: asOf ?? NOW },
    )
    edges.push(...rows.filter(row => among.has(row.to as string)).map(edgeOf))
  }
  return edges
}

function edgeOf({ from, relation, to, role, seq }: Row): Graph['edges'][number] {
  return {
    from: from as string,
    relation: relation as Relation,
    to: to as string,
    ...(role === null ? {} : { role: role as string }),
    seq: seq as number,
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
