/* Attempts that somebody holds, with their leases. A lease is time that this process was up and
 * waited: it begins anew at a start, and neither a moved clock nor a stalled process uses it up.
 * Safety does not rest on it, but on the attempt being the current one when a commit is made. */
import type { Progress } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import type { AttemptRecord } from '../jobs/records.ts'

export interface Held {
  record: AttemptRecord
  /** Somebody killed what it works on. */
  stop: boolean
  /** Of an ingestion, as its worker last told. */
  progress?: Progress
  readonly expired: boolean
}

export interface LiveAttempts {
  add(record: AttemptRecord, stop?: boolean): void
  get(attempt: string): Held | undefined
  /** The attempt, its lease begun anew. ATTEMPT_STALE when it is not held any more. */
  renew(attempt: string): Held
  askToStop(attempt: string): void
  remove(attempt: string): void
  all(): Held[]
  close(): void
}

class Lease implements Held {
  record: AttemptRecord
  stop: boolean
  progress?: Progress
  left: number

  constructor(record: AttemptRecord, stop: boolean, left: number) {
    this.record = record
    this.stop = stop
    this.left = left
  }

  get expired(): boolean {
    return this.left <= 0
  }
}

const TICKS_PER_LEASE = 8
const TICK_MAX_MS = 1000

/** `expired` is told of each attempt whose lease has run out, again at each tick until it is removed
 * or renewed. */
export function openLiveAttempts(
  leaseMs: number,
  expired: (attempt: AttemptRecord) => void,
): LiveAttempts {
  const leases = new Map<string, Lease>()
  const tickMs = Math.max(1, Math.min(TICK_MAX_MS, Math.floor(leaseMs / TICKS_PER_LEASE)))
  const timer = setInterval(tick, tickMs)
  timer.unref()

  function tick(): void {
    for (const lease of leases.values()) {
      // A tick counts as one, however late it comes: renewals may wait behind what made it late.
      lease.left -= tickMs
      if (lease.expired) expired(lease.record)
    }
  }

  function renew(attempt: string): Held {
    const lease = leases.get(attempt)
    if (!lease) throw stale(attempt)
    lease.left = leaseMs
    return lease
  }

  return {
    add: (record, stop = false) => void leases.set(record.id, new Lease(record, stop, leaseMs)),
    get: attempt => leases.get(attempt),
    renew,
    askToStop(attempt) {
      const lease = leases.get(attempt)
      if (lease) lease.stop = true
    },
    remove: attempt => void leases.delete(attempt),
    all: () => [...leases.values()],
    close: () => clearInterval(timer),
  }
}

export function stale(attempt: string): KaosError {
  const what = `attempt ${attempt} is no longer the current one`
  return new KaosError('ATTEMPT_STALE', `${what}; stop what it runs and forget it`)
}
