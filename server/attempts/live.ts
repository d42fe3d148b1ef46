/* Attempts that somebody holds, with their leases. A lease is time that this process was up and
 * waited: it begins anew at a start, and neither a moved clock nor a stalled process uses it up.
 * Safety does not rest on it, but on the attempt being the current one when a commit is made.
 *
 * Where several servers share a ledger, a worker may speak to any of them. Then each renewal that is
 * not the first for a while writes the record `beat/<attempt>`, and every server that sees its version
 * grow begins the lease anew. No clock is compared with another. */
import type { Progress } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import type { Json } from '../../graph/ledger.ts'
import { readRecord, recordsOf } from '../jobs/reading.ts'
import { type AttemptRecord, keyOf } from '../jobs/records.ts'
import type { Parts } from '../parts.ts'

export interface Held {
  record: AttemptRecord
  /** Somebody killed what it works on. */
  stop: boolean
  /** Of an ingestion, as its worker last told. */
  progress?: Progress
  /** Why its program does not run yet, as its worker last told. */
  waiting?: string | undefined
  readonly expired: boolean
}

export interface LiveAttempts {
  add(record: AttemptRecord, stop?: boolean): void
  /** As far as this server knows. */
  get(attempt: string): Held | undefined
  /** The attempt, its lease begun anew. ATTEMPT_STALE when it is not held any more. */
  renew(attempt: string, progress?: Progress): Promise<Held>
  askToStop(attempt: string): void
  remove(attempt: string): void
  all(): Held[]
  /** Reads what other servers wrote; answers the attempts that ended there. Nothing where this server
   * is alone. */
  refresh(): Promise<string[]>
  close(): void
}

class Lease implements Held {
  record: AttemptRecord
  stop: boolean
  progress?: Progress
  waiting?: string | undefined
  left: number
  /** Version of the beat that was last seen. */
  beat = 0

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
/** Beats in a lease: a server that missed two still sees one. */
const BEATS_PER_LEASE = 4
/** Leases after which a beat is forgotten. */
const BEATS_KEPT = 100

export interface LiveOptions {
  readonly parts: Pick<Parts, 'ledger' | 'people' | 'now'>
  readonly leaseMs: number
  /** Whether other servers may use the ledger. */
  readonly shared: boolean
  /** Told of each attempt whose lease has run out, again at each tick until it is removed or renewed. */
  expired(attempt: AttemptRecord): void
}

export function openLiveAttempts({ parts, leaseMs, shared, expired }: LiveOptions): LiveAttempts {
  const { ledger } = parts
  const leases = new Map<string, Lease>()
  /** When this process last wrote the beat, on its own clock that never jumps. */
  const beaten = new Map<string, number>()
  /** Whether the others' renewals were read since the last tick. */
  let seen = false
  const tickMs = Math.max(1, Math.min(TICK_MAX_MS, Math.floor(leaseMs / TICKS_PER_LEASE)))
  const timer = setInterval(tick, tickMs)
  timer.unref()

  function tick(): void {
    // Who cannot see the others' renewals knows nothing of who is lost.
    if (shared && !seen) return
    seen = false
    for (const lease of leases.values()) {
      // A tick counts as one, however late it comes: renewals may wait behind what made it late.
      lease.left -= tickMs
      if (lease.expired) expired(lease.record)
    }
  }

  function add(record: AttemptRecord, stop = false): Lease {
    const lease = new Lease(record, stop, leaseMs)
    leases.set(record.id, lease)
    return lease
  }

  function remove(attempt: string): void {
    leases.delete(attempt)
    beaten.delete(attempt)
  }

  /** The lease, if the ledger still has the attempt: it may have begun and ended elsewhere. */
  async function current(attempt: string): Promise<Lease | undefined> {
    if (!shared) return leases.get(attempt)
    const held = await readRecord<AttemptRecord>(ledger, keyOf.attempt(attempt))
    if (!held) {
      remove(attempt)
      return undefined
    }
    const lease = leases.get(attempt) ?? add(held.value)
    lease.record = held.value
    return lease
  }

  async function beat({ record, progress }: Lease): Promise<void> {
    const at = performance.now()
    if (at - (beaten.get(record.id) ?? -Infinity) < leaseMs / BEATS_PER_LEASE) return
    beaten.set(record.id, at)
    const { id: actor, organisation } = parts.people.system
    const value = (progress ? { progress } : {}) as Json
    const expires = parts.now() + BEATS_KEPT * leaseMs
    const records = [{ key: keyOf.beat(record.id), value, expires }]
    await ledger.commit({ actor, organisation, records })
  }

  async function refresh(): Promise<string[]> {
    if (!shared) return []
    const known = [...leases.keys()]
    const there = new Set<string>()
    for await (const { value } of recordsOf<AttemptRecord>(ledger, 'attempt/')) {
      there.add(value.id)
      const lease = leases.get(value.id) ?? add(value)
      lease.record = value
    }
    const gone = known.filter(attempt => !there.has(attempt))
    for (const attempt of gone) remove(attempt)
    for await (const beat of recordsOf<{ progress?: Progress }>(ledger, 'beat/')) {
      const lease = leases.get(beat.key.slice('beat/'.length))
      if (!lease || lease.beat === beat.version) continue
      lease.beat = beat.version
      lease.left = leaseMs
      if (beat.value.progress) lease.progress = beat.value.progress
    }
    seen = true
    return gone
  }

  return {
    add: (record, stop) => void add(record, stop),
    get: attempt => leases.get(attempt),
    async renew(attempt, progress) {
      const lease = await current(attempt)
      if (!lease) throw stale(attempt)
      lease.left = leaseMs
      if (progress) lease.progress = progress
      if (shared) await beat(lease)
      return lease
    },
    askToStop(attempt) {
      const lease = leases.get(attempt)
      if (lease) lease.stop = true
    },
    remove,
    all: () => [...leases.values()],
    refresh,
    close: () => clearInterval(timer),
  }
}

export function stale(attempt: string): KaosError {
  const what = `attempt ${attempt} is no longer the current one`
  return new KaosError('ATTEMPT_STALE', `${what}; stop what it runs and forget it`)
}
