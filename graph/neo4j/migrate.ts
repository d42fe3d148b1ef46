/* From one back end to the other, with nobody else at work: everything is copied, and what came of it is
 * verified against its own log and compared with where it came from. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { KaosError } from '../../api/errors.ts'
import type { Head, Ledger } from '../ledger.ts'
import { makeDurable, openDatabase } from '../sqlite/database.ts'
import { openSqliteLedger } from '../sqlite/ledger.ts'
import { migrate } from '../sqlite/schema.ts'
import { connect, type Neo4jPlace } from './connection.ts'
import { copyIn } from './copy-in.ts'
import { copyLog, copyRest } from './copy-out.ts'
import { type Neo4jOptions, openNeo4jLedger } from './ledger.ts'
import { namesWith } from './names.ts'

/** Copies a SQLite file into an empty Neo4j database. The file stays as it is. */
export async function toNeo4j(
  file: string,
  place: Neo4jPlace,
  { prefix = '' }: Pick<Neo4jOptions, 'prefix'> = {},
): Promise<Head> {
  requireFile(file)
  const source = await openSqliteLedger(file)
  const target = await openNeo4jLedger(place, { prefix })
  await target.close()
  const connection = await connect(place)
  const database = openDatabase(file, { readOnly: true })
  try {
    await copyIn(database, connection, namesWith(prefix))
  } finally {
    database.close()
    await connection.close()
  }
  return compared(source, await openNeo4jLedger(place, { prefix }))
}

/** Copies a Neo4j ledger into a new SQLite file. The database stays as it is. */
export async function toSqlite(
  place: Neo4jPlace,
  file: string,
  { prefix = '', now = Date.now }: Neo4jOptions = {},
): Promise<Head> {
  if (existsSync(file)) {
    throw new KaosError('CONFLICT', `${file} is there already; move it away first`)
  }
  const source = await openNeo4jLedger(place, { prefix })
  const connection = await connect(place)
  try {
    const database = openDatabase(file)
    try {
      makeDurable(database, file)
      migrate(database, file)
      await copyLog(database, connection.read, namesWith(prefix))
      await copyRest(database, connection.read, namesWith(prefix), now())
    } finally {
      database.close()
    }
  } catch (error) {
    for (const end of ['', '-wal', '-shm']) await rm(file + end, { force: true })
    await source.close()
    throw error
  } finally {
    await connection.close()
  }
  return compared(source, await openSqliteLedger(file))
}

/** Closes both. LEDGER_DAMAGED when the copy is not what it was made from. */
async function compared(source: Ledger, copy: Ledger): Promise<Head> {
  try {
    const [before, after] = [await source.head(), await copy.head()]
    const findings = await copy.verify()
    if (before.root === after.root && before.size === after.size && findings.length === 0)
      return after
    const why = findings[0] ?? `its root is ${after.root}, not ${before.root}`
    const next = 'the ledger that it was made from is as it was; verify that one first'
    throw new KaosError('LEDGER_DAMAGED', `the copy is not the ledger: ${why}; ${next}`)
  } finally {
    await source.close()
    await copy.close()
  }
}

function requireFile(file: string): void {
  if (existsSync(file)) return
  throw new KaosError('NOT_FOUND', `there is no ledger ${file}; name the data folder with --data`)
}
