/* One connection to the ledger's file, and SQLite's errors in our words. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { isKaosError, KaosError } from '../../api/errors.ts'

export type Parameters = Record<string, SQLInputValue>

export interface Database {
  /** The statement, compiled once per text. */
  sql(text: string): StatementSync
  /** The same, with rows as arrays: cheaper, where there are many. */
  rows(text: string): StatementSync
  /** Runs texts without answer. */
  exec(text: string): void
  readonly inTransaction: boolean
  close(): void
}

/** How long a writer waits for a writer in another process. */
export const BUSY_TIMEOUT_MS = 5000

/** `LIMIT :limit`, as a sum: SQLite looks at the value of a bare parameter to plan the query, and so
 * compiles the statement again each time that it is bound. */
export const AT_MOST = 'LIMIT :limit + 0'

/** Pages that a connection keeps: ids and digests fall all over their indexes. */
const CACHE_KIB = 32 * 1024

export function openDatabase(file: string, { readOnly = false } = {}): Database {
  const connection = new DatabaseSync(file, { readOnly, timeout: BUSY_TIMEOUT_MS })
  connection.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
  const compiled = new Map<string, StatementSync>()
  const compiledRows = new Map<string, StatementSync>()

  function kept(among: Map<string, StatementSync>, text: string): StatementSync {
    let statement = among.get(text)
    if (statement === undefined) {
      statement = connection.prepare(text)
      if (among === compiledRows) statement.setReturnArrays(true)
      among.set(text, statement)
    }
    return statement
  }

  return {
    sql: text => kept(compiled, text),
    rows: text => kept(compiledRows, text),
    exec: text => connection.exec(text),
    get inTransaction() {
      return connection.isTransaction
    },
    close: () => connection.close(),
  }
}

/** Readers beside the writer, and a sync of the log at each commit: what was acknowledged survives
 * a power cut (NORMAL would lose the last commits). */
export function makeDurable(database: Database, file: string): void {
  const row = database.sql('PRAGMA journal_mode = WAL').get()
  if (row?.journal_mode !== 'wal') {
    throw new KaosError('CONFIGURATION', `${file} is on a file system without shared memory maps`, {
      detail: { journalMode: row?.journal_mode },
    })
  }
  database.exec('PRAGMA synchronous = FULL')
}

/** SQLite's primary result codes that mean something to us. */
const BUSY = 5
const LOCKED = 6
const CORRUPT = 11
const FULL = 13
const NOT_A_DATABASE = 26

/** The error as users meet it; no path and no SQL in its message. */
export function ledgerError(error: unknown): KaosError {
  if (isKaosError(error)) return error
  const options = { cause: error }
  switch (resultCode(error)) {
    case BUSY:
    case LOCKED:
      return new KaosError('UNAVAILABLE', 'the ledger is in use by another process', options)
    case FULL:
      return new KaosError('STORAGE_FULL', 'the disk of the ledger is full; make room', options)
    case CORRUPT:
    case NOT_A_DATABASE:
      return new KaosError('INTERNAL', 'the file of the ledger is damaged; restore it', options)
    default:
      return new KaosError('INTERNAL', 'the ledger failed; the log of the server says why', options)
  }
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error && 'errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
