/* Group commit. Commits that arrive while a batch is written wait, and go together as the next one.
 * They are acknowledged in the order in which they came. */
import { KaosError } from '../../api/errors.ts'
import type { CheckedCommit } from '../commit.ts'
import type { Receipt } from '../ledger.ts'
import type { BatchWriter } from './batch.ts'
import { ledgerError } from './connection.ts'

const BATCH_COMMITS = 500
const BATCH_BYTES = 4 * 1024 * 1024
/** Who has waited so long for the batch before is told that the database does not answer. */
const WAIT_MS = 20_000

interface Waiting {
  readonly commit: CheckedCommit
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: unknown) => void
  readonly since: number
}

export interface Writer {
  commit(commit: CheckedCommit): Promise<Receipt>
  /** Writes what waits; afterwards commits are refused. */
  close(): Promise<void>
}

/** `onGroup` is told how many commits shared a transaction. */
export function openWriter(
  batches: BatchWriter,
  waitMs = WAIT_MS,
  onGroup: (size: number) => void = () => {},
): Writer {
  let waiting: Waiting[] = []
  let running: Promise<void> | undefined
  let closed = false

  async function run(): Promise<void> {
    // One turn later, so that commits of one turn go together.
    await new Promise(resolve => setImmediate(resolve))
    while (waiting.length > 0) {
      const batch = takeBatch(waiting)
      waiting = waiting.slice(batch.length)
      onGroup(batch.length)
      await writeBatch(batch)
    }
    running = undefined
  }

  /** They were not begun, so nothing of them is there: to refuse them is the truth. */
  function refuseOld(): void {
    const late = performance.now() - waitMs
    const old = waiting.filter(({ since }) => since < late)
    if (old.length === 0) return
    waiting = waiting.filter(({ since }) => since >= late)
    const message = 'the ledger (Neo4j) does not answer; try again'
    for (const { reject } of old) reject(new KaosError('UNAVAILABLE', message))
  }

  async function writeBatch(batch: readonly Waiting[]): Promise<void> {
    const watch = setInterval(refuseOld, waitMs / 10)
    try {
      const outcomes = await batches.write(batch.map(one => one.commit))
      batch.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i]!
        if ('failure' in outcome) reject(outcome.failure)
        else resolve(outcome.receipt)
      })
    } catch (error) {
      for (const { reject } of batch) reject(ledgerError(error))
    } finally {
      clearInterval(watch)
    }
  }

  return {
    commit(commit) {
      if (closed) return Promise.reject(new KaosError('UNAVAILABLE', 'the ledger is closed'))
      const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
      waiting.push({ commit, resolve, reject, since: performance.now() })
      running ??= run()
      return promise
    },
    async close() {
      closed = true
      await running
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
