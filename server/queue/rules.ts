/* What administrators say about the order of work: pauses, limits, and jobs that were moved. Records
 * of the ledger, with a mirror in memory; each change is a fact as well.
 *
 *   queue/paused/<workspace>   nothing more of it is begun; `*`: of any workspace
 *   queue/limit/<workspace>    so many of its trials at once
 *   queue/rank/<job>           before (below 0) or behind the others */
import type { Json, Ledger } from '../../graph/ledger.ts'
import { recordsBelow } from '../ledger-reads.ts'

export type Pause = { by: string; at: string; reason: string | null }

export interface Rules {
  readonly pauses: ReadonlyMap<string, Pause>
  readonly limits: ReadonlyMap<string, number>
  readonly ranks: ReadonlyMap<string, number>
}

/** Who changes a rule, and what the log says of it. */
export interface Change {
  readonly actor: string
  readonly organisation: string
  readonly type: string
  readonly workspace?: string
  readonly detail: { readonly [key: string]: Json }
}

export const ALL = '*'

/** A job is forgotten here long after it can wait. */
const RANK_KEPT_MS = 90 * 24 * 3600_000

export class QueueRules implements Rules {
  readonly pauses = new Map<string, Pause>()
  readonly limits = new Map<string, number>()
  readonly ranks = new Map<string, number>()
  readonly #ledger: Ledger
  readonly #now: () => number

  private constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger
    this.#now = now
  }

  static async open(ledger: Ledger, now: () => number): Promise<QueueRules> {
    const rules = new QueueRules(ledger, now)
    await rules.refresh()
    return rules
  }

  /** Reads all of it again: another server may have changed it. */
  async refresh(): Promise<void> {
    const found = await Array.fromAsync(recordsBelow(this.#ledger, 'queue/'))
    for (const map of [this.pauses, this.limits, this.ranks]) map.clear()
    for (const { key, value } of found) {
      const [, rule = '', of = ''] = key.split('/')
      if (rule === 'paused') this.pauses.set(of, value as Pause)
      if (rule === 'limit') this.limits.set(of, Number(value))
      if (rule === 'rank') this.ranks.set(of, Number(value))
    }
  }

  async pause(of: string, reason: string | null, change: Change): Promise<void> {
    const pause = { by: change.actor, at: new Date(this.#now()).toISOString(), reason }
    await this.#write(`queue/paused/${of}`, pause, change)
    this.pauses.set(of, pause)
  }

  async resume(of: string, change: Change): Promise<void> {
    await this.#write(`queue/paused/${of}`, null, change)
    this.pauses.delete(of)
  }

  async limit(workspace: string, trials: number | null, change: Change): Promise<void> {
    await this.#write(`queue/limit/${workspace}`, trials, change)
    if (trials === null) this.limits.delete(workspace)
    else this.limits.set(workspace, trials)
  }

  /** `normal`: among the others again, by its age. */
  async move(job: string, to: 'first' | 'last' | 'normal', change: Change): Promise<void> {
    const others = [0, ...this.ranks.values()]
    const ranks = { first: Math.min(...others) - 1, last: Math.max(...others) + 1, normal: null }
    const rank = ranks[to]
    await this.#write(`queue/rank/${job}`, rank, change, this.#now() + RANK_KEPT_MS)
    if (rank === null) this.ranks.delete(job)
    else this.ranks.set(job, rank)
  }

  async #write(key: string, value: Json, change: Change, expires?: number): Promise<void> {
    const { actor, organisation, ...statement } = change
    const record = { key, value, ...(value === null || expires === undefined ? {} : { expires }) }
    await this.#ledger.commit({
      actor,
      organisation,
      statements: [statement],
      records: [record],
    })
  }
}
