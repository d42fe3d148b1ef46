/* Is the ledger what its log says? Everything up to one moment is copied into a SQLite file, and that
 * is verified as every SQLite ledger is: there is one judge. Nothing in the log ever changes, so the
 * moment is the size of the log when the copy began; what was written since is left out. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Relation } from '../ledger.ts'
import { type Database, openDatabase } from '../sqlite/database.ts'
import { migrate, RELATION_CODES } from '../sqlite/schema.ts'
import { saveState } from '../sqlite/state.ts'
import { type Thread, threadOver } from '../sqlite/thread.ts'
import { CLASS, stateOf, thingOf } from './batch.ts'
import type { Ask, Row, Value } from './connection.ts'
import type { Names } from './names.ts'

const PAGE = 5000
/** Statements of a page: payloads may be large. */
const LOG_PAGE = 500

/** Sentences that say what differs. `begun` hears of the thread that judges, to end it early. */
export async function findDifferences(
  ask: Ask,
  names: Names,
  begun: (thread: Thread) => void,
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-verify-'))
  const file = join(folder, 'ledger.sqlite')
  try {
    const database = openDatabase(file)
    try {
      migrate(database, file)
      await copyInto(database, ask, names)
    } finally {
      database.close()
    }
    const thread = threadOver(file)
    begun(thread)
    try {
      return (await thread.ask({ ask: 'verify' })) as string[]
    } finally {
      await thread.end()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function copyInto(database: Database, ask: Ask, names: Names): Promise<void> {
  const [head] = await ask(
    `MATCH (h:${names.head} {one: 1})
     RETURN h.size AS size, h.peaks AS peaks, h.at AS at, h.version AS version`,
  )
  const state = stateOf(head!)
  const { size } = state
  database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN')
  await copyStatements(database, ask, names, size)
  await copyThings(database, ask, names, size)
  await copyEdges(database, ask, names, size)
  await copyPointers(database, ask, names, size)
  saveState(database, state)
  database.exec('COMMIT')
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
