/* A SQLite ledger, whole, into an empty Neo4j: log, projection, records, head and id. */
import { KaosError } from '../../api/errors.ts'
import type { Database } from '../sqlite/database.ts'
import { relationOf } from '../sqlite/schema.ts'
import { loadState } from '../sqlite/state.ts'
import type { Connection, Value } from './connection.ts'
import type { Names } from './names.ts'

const PAGE = 5000
const LOG_PAGE = 500

/** CONFLICT when the database already holds a ledger that says anything. */
export async function copyIn(database: Database, connection: Connection, names: Names) {
  const [head] = await connection.read(`MATCH (h:${names.head} {one: 1}) RETURN h.size AS size`)
  if (head !== undefined && (head.size as number) > 0) {
    const message = `the Neo4j database holds a ledger of ${head.size} statements; name an empty one`
    throw new KaosError('CONFLICT', message)
  }
  await sweepBroken(connection, names)
  const write = (text: string, rows: Value[]) => connection.write(ask => ask(text, { rows }))
  await copyStatements(database, names, write)
  await copyThings(database, names, write)
  await copyEdges(database, names, write)
  await copyPointers(database, names, write)
  await copyRecords(database, names, write)
  const { size, peaks, at, version } = loadState(database)
  const last = database.sql('SELECT max(n) AS n FROM node').get()?.n as number | null
  const properties = {
    ...{ size, at, version, n: last ?? 0 },
    peaks: Buffer.concat(peaks).toString('hex'),
    id: database.sql('SELECT id FROM meta').get()?.id as string,
  }
  // Last: a copy that was broken off is no ledger.
  await connection.write(ask =>
    ask(`MATCH (h:${names.head} {one: 1}) SET h += $properties`, { properties }),
  )
}

/** What a copy that was broken off has left. */
async function sweepBroken(connection: Connection, names: Names): Promise<void> {
  for (const label of [names.prov, names.statement, names.pointer, names.record]) {
    const text = `MATCH (x:${label}) WITH x LIMIT ${PAGE} DETACH DELETE x RETURN count(*) AS gone`
    for (let gone = PAGE; gone === PAGE; ) {
      const [row] = await connection.write(ask => ask(text))
      gone = row?.gone as number
    }
  }
}

type Write = (text: string, rows: Value[]) => Promise<unknown>

async function copyStatements(database: Database, names: Names, write: Write) {
  const page = database.sql(
    'SELECT seq, at, salt, leaf, payload FROM statement WHERE seq > ? ORDER BY seq LIMIT ?',
  )
  for (let after = -1; ; ) {
    const rows = page.all(after, LOG_PAGE)
    const values = rows.map(
      ({ seq, at, salt, leaf, payload }): Value => ({
        seq: seq as number,
        at: at as number,
        salt: salt === null ? null : Buffer.from(salt as Uint8Array).toString('hex'),
        leaf: Buffer.from(leaf as Uint8Array).toString('hex'),
        payload: payload as string | null,
      }),
    )
    await write(`UNWIND $rows AS row CREATE (s:${names.statement}) SET s = row`, values)
    if (rows.length < LOG_PAGE) return
    after = rows.at(-1)!.seq as number
  }
}

async function copyThings(database: Database, names: Names, write: Write) {
  const page = database.sql('SELECT * FROM node WHERE n > ? ORDER BY n LIMIT ?')
  for (let after = 0; ; ) {
    const rows = page.all(after, PAGE)
    for (const [kind, group] of Map.groupBy(rows, row => row.kind as string)) {
      const values = group.map(({ class: _, n, ...row }): Value => {
        return { ...(row as Record<string, Value>), n: (n as number) - 1 }
      })
      await write(`UNWIND $rows AS row CREATE (p:${names.labelsOf(kind)}) SET p = row`, values)
    }
    if (rows.length < PAGE) return
    after = rows.at(-1)!.n as number
  }
}

async function copyEdges(database: Database, names: Names, write: Write) {
  const page = database.sql(`SELECT src, rel, dst, role, seq FROM edge
    WHERE (src, rel, dst) > (:src, :rel, :dst) ORDER BY src, rel, dst LIMIT :page`)
  for (let last = { src: 0, rel: 0, dst: 0 }; ; ) {
    const rows = page.all({ ...last, page: PAGE })
    for (const [code, group] of Map.groupBy(rows, row => row.rel as number)) {
      const values = group.map(({ src, dst, role, seq }): Value => {
        return [(src as number) - 1, (dst as number) - 1, role as string | null, seq as number]
      })
      await write(
        `UNWIND $rows AS row MATCH (a:${names.prov} {n: row[0]}), (b:${names.prov} {n: row[1]})
         CREATE (a)-[:${relationOf(code)} {role: row[2], seq: row[3]}]->(b)`,
        values,
      )
    }
    const end = rows.at(-1)
    if (end === undefined || rows.length < PAGE) return
    last = { src: end.src as number, rel: end.rel as number, dst: end.dst as number }
  }
}

async function copyPointers(database: Database, names: Names, write: Write) {
  const page = database.sql(`SELECT name, target, at, from_seq, to_seq FROM pointer
    WHERE (name, from_seq) > (:name, :from) ORDER BY name, from_seq LIMIT :page`)
  for (let last = { name: '', from: -1 }; ; ) {
    const rows = page.all({ ...last, page: PAGE })
    const values = rows.map(
      ({ name, target, at, from_seq, to_seq }): Value => ({
        name: name as string,
        target: target as string,
        at: at as number,
        from: from_seq as number,
        to: to_seq as number | null,
        current: to_seq === null ? (name as string) : null,
      }),
    )
    await write(`UNWIND $rows AS row CREATE (p:${names.pointer}) SET p = row`, values)
    const end = rows.at(-1)
    if (end === undefined || rows.length < PAGE) return
    last = { name: end.name as string, from: end.from_seq as number }
  }
}

async function copyRecords(database: Database, names: Names, write: Write) {
  const page = database.sql(
    'SELECT key, value, version, expires FROM record WHERE key > ? ORDER BY key LIMIT ?',
  )
  for (let after = ''; ; ) {
    const rows = page.all(after, LOG_PAGE)
    const values = rows.map((row): Value => ({ ...(row as Record<string, Value>) }))
    await write(`UNWIND $rows AS row CREATE (r:${names.record}) SET r = row`, values)
    if (rows.length < LOG_PAGE) return
    after = rows.at(-1)!.key as string
  }
}
