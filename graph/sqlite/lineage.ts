/* What did this come from, and what came from it? Each node is visited once, so the cost grows with
 * the answer and not with the number of ways to it.
 *
 * Without a bound on depth one recursive query walks the graph. With a bound we go level by level:
 * a depth column in the recursive query would keep one row per node and depth. Both walk breadth
 * first, so a truncated answer holds what is nearest. Runs in the worker. */
import type { Graph, LineageQuery } from '../ledger.ts'
import type { Database } from './database.ts'
import { nodeOf } from './nodes.ts'
import { RELATION_CODES, relationOf } from './schema.ts'

const LIMIT_DEFAULT = 10_000

export function lineageOf(database: Database, id: string, query: LineageQuery): Graph {
  const walk = walkOf(query)
  const start = database
    .sql('SELECT n FROM node WHERE id = :id AND seq <= :asOf')
    .get({ id, asOf: walk.asOf })?.n as number | undefined
  if (start === undefined) return { nodes: [], edges: [], truncated: false }
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

const NODES = 'SELECT node.* FROM json_each(:ns) a CROSS JOIN node ON node.n = a.value'

/** These nodes, in this order, with the edges between any two of them. */
function subgraph(database: Database, walk: Walk, ns: readonly number[]): Omit<Graph, 'truncated'> {
  const list = JSON.stringify(ns)
  const rows = database.sql(NODES).all({ ns: list })
  const ids = new Map(rows.map(row => [row.n as number, row.id as string]))
  const between = database
    .sql(`SELECT e.src, e.rel, e.dst, e.role, e.seq FROM json_each(:ns) a
      CROSS JOIN edge e ON e.src = a.value AND ${walk.counts}`)
    .iterate({ ns: list, asOf: walk.asOf })
  const edges: Graph['edges'][number][] = []
  for (const { src, rel, dst, role, seq } of between) {
    const to = ids.get(dst as number)
    if (to === undefined) continue
    edges.push({
      from: ids.get(src as number)!,
      relation: relationOf(rel),
      to,
      ...(role === null ? {} : { role: role as string }),
      seq: seq as number,
    })
  }
  return { nodes: rows.map(nodeOf), edges }
}
