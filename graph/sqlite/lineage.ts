/* What did this come from, and what came from it? Each node is visited once, so the cost grows with
 * the answer and not with the number of ways to it.
 *
 * Upstream one recursive query walks the graph: what a thing came from is little, the way may be long.
 * Downstream, and with a bound on depth, we go level by level: fifty thousand jobs may have used one data
 * set, and a recursive query looks at all of a step before it stops in it; a depth column in it would
 * keep one row per node and depth. Both walk breadth first, so a truncated answer holds what is nearest.
 * Runs in the worker; but most questions are about a few nodes, and those are answered at once: the way
 * to a thread and back costs as much as they do. */
import type { LineageQuery } from '../ledger.ts'
import type { Database } from './database.ts'
import type { PackedEdges, PackedNodes } from './packed.ts'
import { RELATION_CODES } from './schema.ts'

const LIMIT_DEFAULT = 10_000
/** What is found at once, without a thread: the event loop stands still for well under a millisecond. */
const SMALL_NODES = 64
const SMALL_EDGES = 512
/** Nodes of a step from which on SQLite drops what it meets twice: for fewer that costs more than it saves. */
const WIDE = 64
/** Nodes of a part: it is unpacked in one turn of the event loop. */
const NODES_PAGE = 1000

/** The answer in parts: nodes, a page each, then the edges. */
export function* lineageOf(
  database: Database,
  id: string,
  query: LineageQuery,
): Generator<PackedNodes, PackedEdges> {
  const walk = walkOf(query)
  const start = startOf(database, walk, id)
  if (start === undefined) return NOTHING
  const limit = query.limit ?? LIMIT_DEFAULT
  const found = foundFrom(database, walk, start, query, limit + 1)
  const ns = [start, ...found.slice(0, limit)]
  for (let at = 0; at < ns.length; at += NODES_PAGE) {
    yield nodesOf(database, ns.slice(at, at + NODES_PAGE))
  }
  const among = edgesAmong(database, walk, ns, Number.MAX_SAFE_INTEGER - 1)!
  return { ...among, truncated: found.length > limit }
}

/** The whole answer where it is small; undefined where finding it may take longer: also with filters,
 * since any number of edges may be looked at that do not count. */
export function smallLineageOf(
  database: Database,
  id: string,
  query: LineageQuery,
): { readonly nodes: PackedNodes; readonly end: PackedEdges } | undefined {
  if (query.asOf !== undefined || query.relations !== undefined) return undefined
  const walk = walkOf(query)
  const start = startOf(database, walk, id)
  if (start === undefined) return { nodes: '[]', end: NOTHING }
  const limit = query.limit ?? LIMIT_DEFAULT
  const found = foundFrom(database, walk, start, query, Math.min(limit + 1, SMALL_NODES))
  if (found.length === SMALL_NODES && limit >= SMALL_NODES) return undefined
  const ns = [start, ...found.slice(0, limit)]
  const among = edgesAmong(database, walk, ns, SMALL_EDGES)
  if (among === undefined) return undefined
  return { nodes: nodesOf(database, ns), end: { ...among, truncated: found.length > limit } }
}

const NOTHING: PackedEdges = { edges: new Float64Array(0), roles: new Map(), truncated: false }

function startOf(database: Database, { asOf }: Walk, id: string): number | undefined {
  const row = database.sql('SELECT n FROM node WHERE id = :id AND seq <= :asOf').get({ id, asOf })
  return row?.n as number | undefined
}

/** The nearest, at most `most`, without the start. */
function foundFrom(
  database: Database,
  walk: Walk,
  start: number,
  { direction, depth }: LineageQuery,
  most: number,
): number[] {
  if (direction === 'up' && depth === undefined) return reachable(database, walk, start, most)
  return withinDepth(database, walk, start, depth ?? Number.POSITIVE_INFINITY, most)
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
  const rows = database.rows(text).all({ start, rows: most + 1, asOf: walk.asOf })
  const found: number[] = []
  for (const [n] of rows as unknown as [number][]) if (n !== start) found.push(n)
  return found
}

/** The same in at most `depth` steps. */
function withinDepth(
  database: Database,
  walk: Walk,
  start: number,
  depth: number,
  most: number,
): number[] {
  const steps = `FROM json_each(:level) l
    CROSS JOIN edge e ON e.${walk.near} = l.value AND ${walk.counts}${walk.known}`
  const seen = new Set([start])
  let level = [start]
  for (let step = 0; step < depth && level.length > 0 && seen.size <= most; step++) {
    const next: number[] = []
    const bounds = { level: JSON.stringify(level), asOf: walk.asOf }
    // However many of a wide step are known already, there are enough new ones among so many.
    const rows =
      level.length < WIDE
        ? database.rows(`SELECT e.${walk.far} ${steps}`).iterate(bounds)
        : database
            .rows(`SELECT DISTINCT e.${walk.far} ${steps} LIMIT :rows`)
            .all({ ...bounds, rows: most + 1 })
    for (const [n] of rows as unknown as Iterable<[number]>) {
      if (seen.has(n)) continue
      seen.add(n)
      next.push(n)
      if (seen.size > most) break
    }
    level = next
  }
  return [...seen].slice(1)
}

/* Texts that SQLite puts together and V8 takes apart cost a third of what rows cost. Attributes are
 * JSON already and are not looked at. */
const NODES = `SELECT '[' || group_concat(
    '["' || node.id || '","' || class || '","' || kind || '",' || json_quote(organisation) || ',' ||
    json_quote(workspace) || ',' || json_quote(digest) || ',' || json_quote(name) || ',' ||
    attributes || ',' || seq || ',' || at || ']') || ']'
  FROM json_each(:ns) a CROSS JOIN node ON node.n = a.value`

/** These nodes, in this order. */
function nodesOf(database: Database, ns: readonly number[]): PackedNodes {
  const [text] = database.rows(NODES).get({ ns: JSON.stringify(ns) }) as unknown as [string]
  return text
}

/** The edges between any two of these nodes; undefined where more than `most` begin at them. */
function edgesAmong(database: Database, walk: Walk, ns: readonly number[], most: number) {
  const text = `SELECT json_group_array(src), json_group_array(rel), json_group_array(dst),
      json_group_array(role), json_group_array(seq)
    FROM (SELECT e.* FROM json_each(:ns) a
      CROSS JOIN edge e ON e.src = a.value AND ${walk.counts} LIMIT :rows)`
  const rows = { ns: JSON.stringify(ns), asOf: walk.asOf, rows: most + 1 }
  const [srcs, rels, dsts, names, seqs] = (
    database.rows(text).get(rows) as unknown as string[]
  ).map(column => JSON.parse(column)) as [number[], number[], number[], (string | null)[], number[]]
  if (srcs.length > most) return undefined
  const places = new Map(ns.map((n, place) => [n, place]))
  const edges = new Float64Array(4 * srcs.length)
  const roles = new Map<number, string>()
  let count = 0
  for (let i = 0; i < srcs.length; i++) {
    const to = places.get(dsts[i]!)
    if (to === undefined) continue
    const role = names[i]!
    if (role !== null) roles.set(count, role)
    const at = 4 * count++
    edges[at] = places.get(srcs[i]!)!
    edges[at + 1] = rels[i]!
    edges[at + 2] = to
    edges[at + 3] = seqs[i]!
  }
  return { edges: edges.slice(0, 4 * count), roles }
}
