/* Is the ledger what its log says? Everything is copied into a SQLite file, and that is verified as
 * every SQLite ledger is: there is one judge. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../sqlite/database.ts'
import { migrate } from '../sqlite/schema.ts'
import { type Thread, threadOver } from '../sqlite/thread.ts'
import type { Ask } from './connection.ts'
import { copyLog } from './copy-out.ts'
import type { Names } from './names.ts'

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
      database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY')
      await copyLog(database, ask, names)
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
