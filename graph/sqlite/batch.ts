/* One batch: one transaction, one sync of the disk.
 *
 * A savepoint makes SQLite copy each page that changes in it, which was a third of what a commit cost.
 * So a batch is written without; when one of its commits fails, all is rolled back and written again
 * with a savepoint for each, and the failing one leaves nothing. */
import type { KaosError } from '../../api/errors.ts'
import type { CheckedCommit } from '../commit.ts'
import type { Receipt } from '../ledger.ts'
import { type Applied, applierOf } from './apply.ts'
import { BUSY_TIMEOUT_MS, type Database, ledgerError } from './database.ts'
import { loadState, type State, saveState } from './state.ts'

/** Expired records that a batch removes, so that the first one after a long pause stays short. */
const SWEEP_RECORDS = 500

const SWEEP = `DELETE FROM record WHERE rowid IN
  (SELECT rowid FROM record WHERE expires <= :now ORDER BY expires LIMIT ${SWEEP_RECORDS})`

/** A data version that no file has. */
const UNKNOWN = -1

export interface Waiting {
  readonly commit: CheckedCommit
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: KaosError) => void
}

/** Tells one who waits how his commit ended. */
export type Acknowledge = () => void

type Outcome = Applied | { readonly failure: KaosError }
type Apply = (commit: CheckedCommit, before: State, now: number) => Outcome

/** Writes batches. Returns when all is on the disk, with the acknowledgements in order. */
export function batchWriterOf(database: Database, now: () => number) {
  const apply = applierOf(database)
  let state = loadState(database)
  let seen = dataVersion(database)

  /** Another process may have written since: what we keep in memory would then be old. */
  function refresh(): void {
    const version = dataVersion(database)
    if (version === seen) return
    state = loadState(database)
    seen = version
  }

  function writeAll(batch: readonly Waiting[], applyOne: Apply): Acknowledge[] {
    database.sql('BEGIN IMMEDIATE').run()
    refresh()
    const clock = now()
    database.sql(SWEEP).run({ now: clock })
    let after: State = { ...state, at: Math.max(clock, state.at) }
    let written = false
    const acknowledgements = batch.map(({ commit, resolve, reject }): Acknowledge => {
      const outcome = applyOne(commit, after, clock)
      if ('failure' in outcome) return () => reject(outcome.failure)
      after = outcome.state
      written ||= commit.statements.length > 0 || commit.records.length > 0
      return () => resolve(outcome.receipt)
    })
    if (written) saveState(database, after)
    database.sql('COMMIT').run()
    state = after
    if (batch.some(({ commit }) => commit.statements.some(one => one.erases.length > 0))) {
      dropOldPages(database)
    }
    return acknowledgements
  }

  /** Undefined: one of the batch failed, and nothing is written. */
  function writtenTogether(batch: readonly Waiting[]): Acknowledge[] | undefined {
    try {
      return writeAll(batch, apply)
    } catch (error) {
      if (!database.inTransaction) throw error
      database.sql('ROLLBACK').run()
      return undefined
    }
  }

  const apart: Apply = (commit, before, clock) =>
    inSavepoint(database, () => apply(commit, before, clock))

  return (batch: readonly Waiting[]): Acknowledge[] => {
    try {
      return writtenTogether(batch) ?? writeAll(batch, apart)
    } catch (error) {
      const failure = ledgerError(error)
      seen = UNKNOWN
      rollBack(database)
      return batch.map(one => () => one.reject(failure))
    }
  }
}

/** What was erased is still in the log of SQLite, and in the file until that is copied into it. While
 * somebody reads it can not be: then the next one does it. */
function dropOldPages(database: Database): void {
  database.exec('PRAGMA busy_timeout = 0')
  database.sql('PRAGMA wal_checkpoint(TRUNCATE)').all()
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
}

/** What fails in here leaves nothing, and the transaction goes on. */
function inSavepoint(database: Database, act: () => Applied): Outcome {
  database.sql('SAVEPOINT one').run()
  try {
    const applied = act()
    database.sql('RELEASE one').run()
    return applied
  } catch (error) {
    // A full disk can end the whole transaction; then nothing of this batch can be kept.
    if (!database.inTransaction) throw error
    database.sql('ROLLBACK TO one').run()
    database.sql('RELEASE one').run()
    return { failure: ledgerError(error) }
  }
}

/** Must not throw: those who wait have to be told of the error that led here. */
function rollBack(database: Database): void {
  try {
    if (database.inTransaction) database.sql('ROLLBACK').run()
  } catch {
    // SQLite has ended the transaction by itself.
  }
}

/** Changes when another connection has changed the file. */
function dataVersion(database: Database): number {
  return database.sql('PRAGMA data_version').get()?.data_version as number
}
