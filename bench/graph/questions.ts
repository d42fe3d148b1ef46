/* The questions, asked twice: of the ledger as everybody asks it, and of the bare engine in the form
 * that an expert would write by hand for the same answer: the nodes with what the ledger tells of them,
 * and the edges among them. */
import { DatabaseSync } from 'node:sqlite'
import neo4j, { type Driver } from 'neo4j-driver'
import type { Ledger, LineageQuery } from '../../graph/ledger.ts'
import { RELATIONS } from '../../graph/ledger.ts'
import type { Neo4jPlace } from '../../graph/neo4j/connection.ts'
import { namesWith } from '../../graph/neo4j/names.ts'
import type { Made } from './generate.ts'

export interface Question {
  readonly name: string
  readonly targets: readonly string[]
  readonly query: LineageQuery
  /** Milliseconds: goals and moonshots, SQLite and Neo4j. */
  readonly goal: readonly [number, number]
  readonly moonshot: readonly [number, number]
}

export function questionsOver(made: Made, targets: number): Question[] {
  const idOf = (n: number) => made.nodes[n]!.id
  const spread = (list: readonly number[]) =>
    Array.from({ length: targets }, (_, i) =>
      idOf(list[Math.floor((i * 7919 + 13) % list.length)]!),
    )
  return [
    {
      name: 'all ancestors, random model',
      targets: spread(made.models.slice(made.ends.length * 200)),
      query: { direction: 'up' },
      goal: [5, 15],
      moonshot: [2, 8],
    },
    {
      name: 'all ancestors, end of a 200-chain',
      targets: spread(made.ends),
      query: { direction: 'up', limit: 100_000 },
      goal: [20, 65],
      moonshot: [12, 40],
    },
    {
      name: 'impact to depth 6',
      targets: spread(made.models),
      query: { direction: 'down', depth: 6 },
      goal: [1, 3],
      moonshot: [0.4, 2],
    },
    {
      name: 'hub, first page of 1,000',
      targets: spread(made.hubs),
      query: { direction: 'down', limit: 1000 },
      goal: [20, 50],
      moonshot: [5, 20],
    },
  ]
}

export type Asker = (id: string, query: LineageQuery) => Promise<number>

/** Through the ledger; answers how many nodes. */
export function askerOf(ledger: Ledger): Asker {
  return async (id, query) => (await ledger.lineage(id, query)).nodes.length
}

/** Straight on SQLite, in this thread. */
export function bareSqlite(file: string): Asker & { close(): void } {
  const database = new DatabaseSync(file, { readOnly: true })
  const texts = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  const sql = (text: string) => {
    const known = texts.get(text) ?? database.prepare(text)
    texts.set(text, known)
    return known
  }
  const ask: Asker = async (id, { direction, depth, limit = 10_000 }) => {
    const [near, far] = direction === 'up' ? ['src', 'dst'] : ['dst', 'src']
    const found =
      depth === undefined
        ? sql(`WITH RECURSIVE u(n) AS (SELECT n FROM node WHERE id = ? UNION
            SELECT e.${far} FROM u CROSS JOIN edge e ON e.${near} = u.n LIMIT ?) SELECT n FROM u`)
            .all(id, limit + 1)
            .map(row => row.n as number)
        : byLevel(sql, id, near!, far!, depth)
    const list = JSON.stringify(found)
    const nodes = sql(`SELECT node.* FROM json_each(?) a CROSS JOIN node ON node.n = a.value`).all(
      list,
    )
    const among = new Set(found)
    const edges = sql(`SELECT e.* FROM json_each(?) a CROSS JOIN edge e ON e.src = a.value`)
      .all(list)
      .filter(row => among.has(row.dst as number))
    for (const node of nodes) JSON.parse(node.attributes as string)
    return edges.length < 0 ? 0 : nodes.length
  }
  return Object.assign(ask, { close: () => database.close() })
}

function byLevel(
  sql: (text: string) => ReturnType<DatabaseSync['prepare']>,
  id: string,
  near: string,
  far: string,
  depth: number,
): number[] {
  const start = sql('SELECT n FROM node WHERE id = ?').get(id)!.n as number
  const seen = new Set([start])
  let level = [start]
  for (let step = 0; step < depth && level.length > 0; step++) {
    const rows = sql(
      `SELECT e.${far} AS n FROM json_each(?) l CROSS JOIN edge e ON e.${near} = l.value`,
    ).all(JSON.stringify(level))
    level = rows.map(row => row.n as number).filter(n => !seen.has(n))
    for (const n of level) seen.add(n)
  }
  return [...seen]
}

/** Straight on the driver. */
export function bareNeo4j(place: Neo4jPlace, prefix: string): Asker & { close(): Promise<void> } {
  const driver: Driver = neo4j.driver(place.url, neo4j.auth.basic(place.user, place.password), {
    useBigInt: true,
  })
  const { prov } = namesWith(prefix)
  const types = RELATIONS.join('|')
  const ask: Asker = async (id, { direction, depth, limit = 10_000 }) => {
    const step = `[:${types}*1..${depth ?? ''}]`
    const way = direction === 'up' ? `-${step}->` : `<-${step}-`
    const { records } = await driver.executeQuery(
      `MATCH (s:${prov} {id: $id})${way}(p) USING INDEX SEEK s:${prov}(id)
       WITH DISTINCT p LIMIT $limit RETURN properties(p) AS p, labels(p) AS labels`,
      { id, limit: BigInt(limit + 1) },
      { routing: 'READ' },
    )
    const ids = [id, ...records.map(record => record.get('p').id as string)]
    const edges = await driver.executeQuery(
      `UNWIND $ids AS id MATCH (a:${prov} {id: id})-[r:${types}]->(b)
       RETURN id AS from, type(r) AS relation, b.id AS to, r.role AS role, r.seq AS seq`,
      { ids },
      { routing: 'READ' },
    )
    for (const record of records) JSON.parse(record.get('p').attributes)
    return edges.records.length < 0 ? 0 : records.length + 1
  }
  return Object.assign(ask, { close: () => driver.close() })
}
