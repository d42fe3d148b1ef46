/* Everything that a Neo4j ledger holds up to one moment, into a SQLite file: to be verified, or to be
 * the ledger from then on. The moment is the size of the log when the copy began; nothing in the log
 * ever changes, so what was written since is left out. */
import type { Relation } from '../ledger.ts'
import type { Database } from '../sqlite/database.ts'
import { RELATION_CODES } from '../sqlite/schema.ts'
import { type State, saveState } from '../sqlite/state.ts'
import { CLASS, stateOf, thingOf } from './batch.ts'
import type { Ask, Row, Value } from './connection.ts'
import type { Names } from './names.ts'

const PAGE = 5000
/** Statements of a page: payloads may be large. */
const LOG_PAGE = 500

/** Log and projection, without records, as they are or were. The file has its tables, and nothing in
 * these. */
export async function copyLog(
  database: Database,
  ask: Ask,
  names: Names,
  was?: State,
): Promise<void> {
  const state = was ?? (await headOf(ask, names))
  const { size } = state
  database.exec('BEGIN')
  await copyStatements(database, ask, names, size)
  await copyThings(database, ask, names, size)
  await copyEdges(database, ask, names, size)
  await copyPointers(database, ask, names, size)
  saveState(database, state)
  database.exec('COMMIT')
}

async function headOf(ask: Ask, names: Names): Promise<State> {
  const [head] = await ask(
    `MATCH (h:${names.head} {one: 1})
     RETURN h.size AS size, h.peaks AS peaks, h.at AS at, h.version AS version`,
  )
  return stateOf(head!)
}

async function copyStatements(database: Database, ask: Ask, names: Names, size: number) {
  const insert = database.sql(
    'INSERT INTO statement (seq, at, salt, leaf, payload) VALUES (:seq, :at, :salt, :leaf, :payload)',
  )
  const text = `MATCH (s:${names.statement}) WHERE s.seq >= $from AND s.seq < $size
    RETURN s.seq AS seq, s.at AS at, s.salt AS salt, s.leaf AS leaf, s.payload AS payload
    ORDER BY s.seq LIMIT $page`
  for (let from = 0; ; ) {
    const rows = await ask(text, { from, size, page: LOG_PAGE })
    for (const { seq, at, salt, leaf, payload } of rows) {
      insert.run({
        seq: seq as number,
        at: at as number,
        salt: salt === null ? null : Buffer.from(String(salt), 'hex'),
        leaf: Buffer.from(String(leaf), 'hex'),
        payload: payload as string | null,
      })
    }
    if (rows.length < LOG_PAGE) return
    from = (rows.at(-1)!.seq as number) + 1
  }
}

async function copyThings(database: Database, ask: Ask, names: Names, size: number) {
  const insert = database.sql(`INSERT INTO node
    (n, id, class, kind, organisation, workspace, digest, name, seq, at, attributes) VALUES
    (:n, :id, :class, :kind, :organisation, :workspace, :digest, :name, :seq, :at, :attributes)`)
  // SQLite numbers from 1 on.
  for await (const row of thingsOf(ask, names, size, `properties(p) AS p, ${CLASS}`)) {
    insert.run({ ...thingOf(row), n: (row.n as number) + 1 })
  }
}

async function copyEdges(database: Database, ask: Ask, names: Names, size: number) {
  const insert = database.sql('INSERT INTO edge (src, rel, dst, role, seq) VALUES (?, ?, ?, ?, ?)')
  const edges = `COLLECT { MATCH (p)-[r]->(b:${names.prov}) WHERE r.seq < $size
    RETURN [type(r), b.n, r.role, r.seq] } AS edges`
  for await (const row of thingsOf(ask, names, size, edges)) {
    for (const [relation, to, role, seq] of row.edges as Value[][]) {
      const code = RELATION_CODES[relation as Relation] ?? 0
      const [src, dst] = [(row.n as number) + 1, (to as number) + 1]
      insert.run(src, code, dst, role as string | null, seq as number)
    }
  }
}

/** Every thing up to that size, by n, a page at a time. */
async function* thingsOf(ask: Ask, names: Names, size: number, what: string): AsyncGenerator<Row> {
  const text = `MATCH (p:${names.prov}) WHERE p.n > $after AND p.seq < $size
    WITH p ORDER BY p.n LIMIT $page RETURN p.n AS n, ${what} ORDER BY n`
  for (let after = -1; ; ) {
    const rows = await ask(text, { after, size, page: PAGE })
    yield* rows
    if (rows.length < PAGE) return
    after = rows.at(-1)!.n as number
  }
}

async function copyPointers(database: Database, ask: Ask, names: Names, size: number) {
  const insert = database.sql(
    'INSERT INTO pointer (name, target, at, from_seq, to_seq) VALUES (:name, :target, :at, :from, :to)',
  )
  // By internal order of a unique pair: names repeat, their beginnings do not.
  const text = `MATCH (p:${names.pointer})
    WHERE p.name >= $name AND p.from < $size AND (p.name > $name OR p.from > $from)
    RETURN p.name AS name, p.target AS target, p.at AS at, p.from AS from,
      CASE WHEN p.to < $size THEN p.to ELSE null END AS to
    ORDER BY p.name, p.from LIMIT $page`
  for (let last: Row = { name: '', from: -1 }; ; ) {
    const rows = await ask(text, { name: last.name!, from: last.from!, size, page: PAGE })
    for (const { name, target, at, from, to } of rows) {
      insert.run({
        name: name as string,
        target: target as string,
        at: at as number,
        from: from as number,
        to: to as number | null,
      })
    }
    if (rows.length < PAGE) return
    last = rows.at(-1)!
  }
}

/** Records that have not expired, and the ledger's id. */
export async function copyRest(
  database: Database,
  ask: Ask,
  names: Names,
  now: number,
): Promise<void> {
  const [head] = await ask(`MATCH (h:${names.head} {one: 1}) RETURN h.id AS id`)
  database.sql('UPDATE meta SET id = ?').run(head!.id as string)
  const insert = database.sql(
    'INSERT INTO record (key, value, version, expires) VALUES (:key, :value, :version, :expires)',
  )
  const text = `MATCH (r:${names.record}) WHERE r.key > $after AND (r.expires IS NULL OR r.expires > $now)
    RETURN r.key AS key, r.value AS value, r.version AS version, r.expires AS expires
    ORDER BY r.key LIMIT $page`
  for (let after = ''; ; ) {
    const rows = await ask(text, { after, now, page: LOG_PAGE })
    for (const { key, value, version, expires } of rows) {
      insert.run({
        key: key as string,
        value: value as string,
        version: version as number,
        expires: expires as number | null,
      })
    }
    if (rows.length < LOG_PAGE) return
    after = rows.at(-1)!.key as string
  }
}
