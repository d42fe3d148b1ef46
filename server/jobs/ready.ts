/* The ready set: work that anybody may claim. The records decide; this is their mirror in memory, by
 * key, so that a waiting worker costs no query. Which of it is next: server/queue/order.ts. */
import type { Ledger } from '../../graph/ledger.ts'
import { recordsOf } from './reading.ts'
import type { WorkRef } from './records.ts'

export interface ReadyWork {
  readonly key: string
  readonly work: WorkRef
}

export interface ReadySet {
  add(entry: ReadyWork): void
  /** What is taken out is put back with `add`. */
  remove(key: string): void
  /** By key. */
  all(): readonly ReadyWork[]
  has(workId: string): boolean
  hasTrial(job: string, index: number): boolean
  /** Reads the records again; answers whether there is work that was not known. */
  refresh(): Promise<boolean>
  readonly size: number
}

export async function openReadySet(ledger: Ledger): Promise<ReadySet> {
  const entries: ReadyWork[] = []
  const ids = new Set<string>()
  /** `<job>/<index>` of each trial. */
  const trials = new Set<string>()
  await refresh()

  async function refresh(): Promise<boolean> {
    const before = entries.map(({ key }) => key)
    const found = new Map<string, WorkRef>()
    for await (const { key, value } of recordsOf<WorkRef>(ledger, 'ready/')) found.set(key, value)
    for (const key of before) if (!found.has(key)) remove(key)
    const known = entries.length
    for (const [key, work] of found) add({ key, work })
    return entries.length > known
  }

  function add(entry: ReadyWork): void {
    if (ids.has(entry.work.id)) return
    const at = placeOf(entries, entry.key)
    entries.splice(at, 0, entry)
    ids.add(entry.work.id)
    if (entry.work.kind === 'trial') trials.add(trialOf(entry.work))
  }

  function remove(key: string): void {
    const at = placeOf(entries, key)
    if (entries[at]?.key !== key) return
    const [{ work }] = entries.splice(at, 1) as [ReadyWork]
    ids.delete(work.id)
    if (work.kind === 'trial') trials.delete(trialOf(work))
  }

  return {
    add,
    remove,
    refresh,
    all: () => entries,
    has: workId => ids.has(workId),
    hasTrial: (job, index) => trials.has(trialOf({ job, index })),
    get size() {
      return entries.length
    },
  }
}

function trialOf({ job, index }: { readonly job: string; readonly index: number }): string {
  return `${job}/${index}`
}

/** Where the key belongs, by halving. */
function placeOf(entries: readonly ReadyWork[], key: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (entries[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}
