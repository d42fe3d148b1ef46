/* A copy of a Neo4j ledger as it is at one moment, as a SQLite file. Records change, so they are read
 * while this one holds the head's lock, for which all servers that want to commit wait; the log never
 * changes, so what it said at that moment is read afterwards, however long that takes. */
import { rm } from 'node:fs/promises'
import { openDatabase } from '../sqlite/database.ts'
import { migrate } from '../sqlite/schema.ts'
import { sealFile } from '../sqlite/snapshot.ts'
import { stateOf } from './batch.ts'
import { connect, type Neo4jPlace } from './connection.ts'
import { copyLog, copyRest } from './copy-out.ts'
import type { Neo4jOptions } from './ledger.ts'
import { namesWith } from './names.ts'

/** What somebody erases by law meanwhile is missing in the copy, and verifying that one tells. */
export async function snapshotNeo4j(
  place: Neo4jPlace,
  to: string,
  { prefix = '', now = Date.now }: Neo4jOptions = {},
): Promise<void> {
  const names = namesWith(prefix)
  const connection = await connect(place)
  try {
    const database = openDatabase(to)
    try {
      migrate(database, to)
      database.exec('PRAGMA synchronous = OFF')
      const state = await connection.write(async ask => {
        const [head] = await ask(
          `MATCH (h:${names.head} {one: 1}) SET h.one = 1
           RETURN h.size AS size, h.peaks AS peaks, h.at AS at, h.version AS version`,
        )
        // The driver may do this twice.
        database.exec('DELETE FROM record')
        await copyRest(database, ask, names, now())
        return stateOf(head!)
      })
      await copyLog(database, connection.read, names, state)
    } finally {
      database.close()
    }
  } catch (error) {
    await rm(to, { force: true })
    throw error
  } finally {
    await connection.close()
  }
  sealFile(to)
}
