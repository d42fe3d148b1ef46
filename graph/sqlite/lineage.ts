/* What did this come from, and what came from it? Each node is visited once, so the cost grows with
 * the answer and not with the number of ways to it.
 *
 * Without a bound on depth one recursive query walks the graph. With a bound we go level by level:
 * a depth column in the recursive query would keep one row per node and depth. Both walk breadth
 * first, so a truncated answer holds what is nearest. Runs in the worker. */
import type { Edge, Graph, LineageQuery, Node } from '../ledger.ts'
import type { Database } from './database.ts'
import { RELATION_CODES, relationOf } from './schema.ts'

const LIMIT_DEFAULT = 10_000

export function lineageOf(database: Database, id: string, query: LineageQuery): PackedGraph {
  const walk = walkOf(query)
  const start = database
    .sql('SELECT n FROM node WHERE id = :id AND seq <= :asOf')
    .get({ id, asOf: walk.asOf })?.n as number | undefined
  if (start === undefined) return NONE
  const limit = query.limit ?? LIMIT_DEFAULT
  const found =
    query.depth === undefined
      ? reachable(database, walk, start, limit + 1)
      : withinDepth(database, walk, start, query.depth, limit + 1)
  const truncated = found.length > limit
  return { ...subgraph(database, walk, [start, ...found.slice(0, limit)]), truncated }
}

interface Walk {
  /** The end of an edge where a step begins, and where it leads. */
  readonly near: 'src' | 'dst'
  readonly far: 'src' | 'dst'
  /** Which edges count, as SQL on edge `e`; :asOf is always bound. */
  readonly counts: string
  /** Which nodes count, as a join on the far end of `e`. An edge may name a node of a later
   * statement of its own commit, so the edge's number says nothing about the node's. */
  readonly known: string
  readonly asOf: number
}

function walkOf({ direction, relations, asOf }: LineageQuery): Walk {
  const [near, far] = direction === 'up' ? (['src', 'dst'] as const) : (['dst', 'src'] as const)
  const codes = relations?.map(relation => RELATION_CODES[relation])
  const among = codes === undefined ? '' : ` AND e.rel IN (${codes.join(', ')})`
  const known = asOf === undefined ? '' : ` CROSS JOIN node k ON k.n = e.${far} AND k.seq <= :asOf`
  return {
    near,
    far,
    counts: `e.seq <= :asOf${among}`,
    known,
    asOf: asOf ?? Number.MAX_SAFE_INTEGER,
  }
}

/** Everything that can be reached, without the start, the nearest first; `most` at most. UNION drops
 * a node met twice, so the walk ends also in a cycle; CROSS JOIN holds the order of the join. */
function reachable(database: Database, walk: Walk, start: number, most: number): number[] {
  const text = `
    WITH RECURSIVE reached(n) AS (
      VALUES (:start)
      UNION
      SELECT e.${walk.far} FROM reached
        CROSS JOIN edge e ON e.${walk.near} = reached.n AND ${walk.counts}${walk.known}
      LIMIT :rows
    )
    SELECT n FROM reached`
  const rows = database.sql(text).all({ start, rows: most + 1, asOf: walk.asOf })
  return rows.map(row => row.n as number).filter(n => n !== start)
}

/** The same in at most `depth` steps. */
function withinDepth(
  database: Database,
  walk: Walk,
  start: number,
  depth: number,
  most: number,
): number[] {
  const text = `SELECT e.${walk.far} AS n FROM json_each(:level) l
    CROSS JOIN edge e ON e.${walk.near} = l.value AND ${walk.counts}${walk.known}`
  const seen = new Set([start])
  let level = [start]
  for (let step = 0; step < depth && level.length > 0 && seen.size <= most; step++) {
    const next: number[] = []
    const rows = database.sql(text).iterate({ level: JSON.stringify(level), asOf: walk.asOf })
    for (const row of rows) {
      const n = row.n as number
      if (seen.has(n)) continue
      seen.add(n)
      next.push(n)
      if (seen.size > most) break
    }
    level = next
  }
  return [...seen].slice(1)
}

/** A graph on its way from the thread: the nodes as one JSON text, the edges as numbers, since copying
 * ten thousand objects from thread to thread costs more than finding them. */
export interface PackedGraph {
  /** An array of nodes; absent members are null. */
  readonly nodes: string
  /** Four numbers an edge: place of its ends among the nodes, code of the relation, statement. */
  readonly edges: Float64Array
  /** Roles of the edges that have one, by place among the edges. */
  readonly roles: ReadonlyMap<number, string>
  readonly truncated: boolean
}

const NONE: PackedGraph = {
  nodes: '[]',
  edges: new Float64Array(0),
  roles: new Map(),
  truncated: false,
}

const NODES = `SELECT json_group_array(json_object(
    'id', node.id, 'class', class, 'kind', kind, 'organisation', organisation,
    'workspace', workspace, 'digest', digest, 'name', name, 'attributes', json(attributes),
    'seq', seq, 'at', strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'))) AS nodes
  FROM json_each(:ns) a CROSS JOIN node ON node.n = a.value`

/** These nodes, in this order, with the edges between any two of them. */
function subgraph(database: Database, walk: Walk, ns: readonly number[]) {
  const list = JSON.stringify(ns)
  const places = new Map(ns.map((n, place) => [n, place]))
  const between = database
    .sql(`SELECT e.src, e.rel, e.dst, e.role, e.seq FROM json_each(:ns) a
      CROSS JOIN edge e ON e.src = a.value AND ${walk.counts}`)
    .iterate({ ns: list, asOf: walk.asOf })
  const edges: number[] = []
  const roles = new Map<number, string>()
  for (const { src, rel, dst, role, seq } of between) {
    const to = places.get(dst as number)
    if (to === undefined) continue
    if (role !== null) roles.set(edges.length / 4, role as string)
    edges.push(places.get(src as number)!, rel as number, to, seq as number)
  }
  const nodes = database.sql(NODES).get({ ns: list })?.nodes as string
  return { nodes, edges: Float64Array.from(edges), roles }
}

/** The graph in the words of the interface. */
export function unpacked({ nodes: text, edges: numbers, roles, truncated }: PackedGraph): Graph {
  const nodes = JSON.parse(text) as Node[]
  for (const node of nodes as unknown as Record<string, unknown>[]) {
    for (const key of ['workspace', 'digest', 'name']) if (node[key] === null) delete node[key]
  }
  const edges: Edge[] = []
  for (let at = 0; at < numbers.length; at += 4) {
    const role = roles.get(at / 4)
    edges.push({
      from: nodes[numbers[at]!]!.id,
      relation: relationOf(numbers[at + 1]),
      to: nodes[numbers[at + 2]!]!.id,
      ...(role === undefined ? {} : { role }),
      seq: numbers[at + 3]!,
    })
  }
  return { nodes, edges, truncated }
}
