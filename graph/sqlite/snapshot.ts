/* A copy of the ledger's file as it is at one moment, while others write. */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { BUSY_TIMEOUT_MS, ledgerError } from './database.ts'

/** In one step: between two steps a writer would make the copy begin anew, for ever. */
const WHOLE = 2 ** 31 - 1

/** One file, whole and durable when this resolves. Writers go on meanwhile; a thread of its own copies. */
export async function snapshotSqlite(file: string, to: string): Promise<void> {
  const source = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    await backup(source, to, { rate: WHOLE })
  } catch (error) {
    throw ledgerError(error)
  } finally {
    source.close()
  }
  sealFile(to)
}

/** Takes the file out of the mode in which others lie beside it, and makes it durable. */
export function sealFile(file: string): void {
  const copy = new DatabaseSync(file)
  copy.exec('PRAGMA journal_mode = DELETE')
  copy.close()
  const descriptor = openSync(file, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
