/* Group commit. Commits that arrive in one turn of the event loop share one transaction and one
 * sync of the disk; a failing one leaves nothing while the others stay. They are acknowledged after
 * the sync, in the order in which they came. */
import { KaosError } from '../../api/errors.ts'
import type { CheckedCommit } from '../commit.ts'
import type { Receipt } from '../ledger.ts'
import { batchWriterOf, type Waiting } from './batch.ts'
import type { Database } from './database.ts'

/** Bounds of one batch: the event loop stands still while it is written. */
const BATCH_COMMITS = 1000
const BATCH_BYTES = 8 * 1024 * 1024

export interface Writer {
  commit(commit: CheckedCommit): Promise<Receipt>
  /** Writes what waits; afterwards commits are refused. */
  close(): void
}

/** `onGroup` is told how many commits shared a transaction. */
export function openWriter(
  database: Database,
  now: () => number,
  onGroup: (size: number) => void = () => {},
): Writer {
  const writeBatch = batchWriterOf(database, now)
  let waiting: Waiting[] = []
  let scheduled = false
  let closed = false

  function writeNext(): void {
    const batch = takeBatch(waiting)
    waiting = waiting.slice(batch.length)
    onGroup(batch.length)
    for (const acknowledge of writeBatch(batch)) acknowledge()
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      if (waiting.length > 0) writeNext()
      if (waiting.length > 0) schedule()
    })
  }

  return {
    commit(commit) {
      if (closed) return Promise.reject(new KaosError('UNAVAILABLE', 'the ledger is closed'))
      const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
      waiting.push({ commit, resolve, reject })
      schedule()
      return promise
    },
    close() {
      closed = true
      while (waiting.length > 0) writeNext()
    },
  }
}

function takeBatch(waiting: readonly Waiting[]): Waiting[] {
  let bytes = 0
  const end = waiting.findIndex((one, i) => {
    bytes += one.commit.bytes
    return i === BATCH_COMMITS || (i > 0 && bytes > BATCH_BYTES)
  })
  return waiting.slice(0, end === -1 ? waiting.length : end)
}
