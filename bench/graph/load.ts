/* Puts the generated graph into both back ends without going through commits, which would take an
 * hour: rows as the ledger itself would have written them, one statement for each node. The log has no
 * payloads; questions about the graph do not read it. */
import { DatabaseSync } from 'node:sqlite'
import { digestOf } from '../../api/digest.ts'
import { connect, type Neo4jPlace, type Value } from '../../graph/neo4j/connection.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { namesWith } from '../../graph/neo4j/names.ts'
import { openSqliteLedger } from '../../graph/sqlite/ledger.ts'
import { RELATION_CODES } from '../../graph/sqlite/schema.ts'
import type { Made, MadeNode } from './generate.ts'

export const ORGANISATION = 'default'
const WORKSPACE = '0'.repeat(32)
const BORN = Date.parse('2026-01-01T00:00:00Z')
const ROWS = 20_000
/** The log's length: a power of two, so that its tree has one peak. */
export const logSize = (nodes: number) => 2 ** Math.ceil(Math.log2(nodes + 1))

function rowOf(node: MadeNode) {
  const attributes = { author: 'user', bytes: node.n, files: 3, folder: node.name }
  return {
    id: node.id,
    kind: node.kind,
    organisation: ORGANISATION,
    workspace: node.class === 'agent' ? null : WORKSPACE,
    digest: node.class === 'entity' ? digestOf(node.id) : null,
    name: node.name === '' ? null : node.name,
    attributes: JSON.stringify(attributes),
    seq: node.n,
    at: BORN + node.n,
  }
}

export async function loadSqlite(made: Made, file: string): Promise<void> {
  await (await openSqliteLedger(file)).close()
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000')
  const node = database.prepare(`INSERT INTO node
    (n, id, class, kind, organisation, workspace, digest, name, seq, at, attributes) VALUES
    (:n, :id, :class, :kind, :organisation, :workspace, :digest, :name, :seq, :at, :attributes)`)
  const edge = database.prepare(
    'INSERT INTO edge (src, rel, dst, role, seq) VALUES (?, ?, ?, NULL, ?)',
  )
  database.exec('BEGIN')
  // SQLite numbers from 1 on.
  for (const one of made.nodes) node.run({ ...rowOf(one), n: one.n + 1, class: one.class })
  const sorted = made.edges.toSorted((a, b) => a[0] - b[0])
  for (const [from, relation, to] of sorted) {
    edge.run(from + 1, RELATION_CODES[relation], to + 1, Math.max(from, to))
  }
  const size = logSize(made.nodes.length)
  database.prepare('UPDATE head SET size = ?, peaks = ?, at = ?').run(size, Buffer.alloc(32), BORN)
  database.exec('COMMIT')
  database.close()
}

export async function loadNeo4j(made: Made, place: Neo4jPlace, prefix: string): Promise<void> {
  await (await openNeo4jLedger(place, { prefix })).close()
  const names = namesWith(prefix)
  const connection = await connect(place)
  for (const [kind, nodes] of Map.groupBy(made.nodes, one => one.kind)) {
    await inRows(nodes, async page => {
      const rows = page.map((one): Value => ({ ...rowOf(one), n: one.n }))
      const text = `UNWIND $rows AS row CREATE (p:${names.labelsOf(kind)}) SET p = row`
      await connection.write(ask => ask(text, { rows }))
    })
  }
  for (const [relation, edges] of Map.groupBy(made.edges, one => one[1])) {
    await inRows(edges, async page => {
      const rows = page.map(([from, , to]): Value => [from, to, Math.max(from, to)])
      const text = `UNWIND $rows AS row
        MATCH (a:${names.prov} {n: row[0]}), (b:${names.prov} {n: row[1]})
        CREATE (a)-[:${relation} {seq: row[2]}]->(b)`
      await connection.write(ask => ask(text, { rows }))
    })
  }
  const head = {
    size: logSize(made.nodes.length),
    peaks: '0'.repeat(64),
    at: BORN,
    n: made.nodes.length,
  }
  await connection.write(ask => ask(`MATCH (h:${names.head} {one: 1}) SET h += $head`, { head }))
  await connection.close()
}

async function inRows<T>(items: readonly T[], write: (page: T[]) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += ROWS) await write(items.slice(at, at + ROWS))
}
