/* The ready set: work that anybody may claim, in the order of its keys. The records decide; this is
 * their mirror in memory, so that a waiting worker costs no query. */
import type { Ledger } from '../../graph/ledger.ts'
import { recordsOf } from './reading.ts'
import type { WorkRef } from './records.ts'

export interface ReadyWork {
  readonly key: string
  readonly work: WorkRef
}

export interface ReadySet {
  add(entry: ReadyWork): void
  /** Takes the first of these kinds out of the mirror; `add` puts it back. */
  take(kinds: readonly string[]): ReadyWork | undefined
  remove(key: string): void
  has(workId: string): boolean
  readonly size: number
}

export async function openReadySet(ledger: Ledger): Promise<ReadySet> {
  const entries: ReadyWork[] = []
  const ids = new Set<string>()
  for await (const { key, value } of recordsOf<WorkRef>(ledger, 'ready/')) add({ key, work: value })

  function add(entry: ReadyWork): void {
    if (ids.has(entry.work.id)) return
    const at = placeOf(entries, entry.key)
    entries.splice(at, 0, entry)
    ids.add(entry.work.id)
  }

  function out(at: number): ReadyWork | undefined {
    const entry = at < 0 ? undefined : entries.splice(at, 1)[0]
    if (entry) ids.delete(entry.work.id)
    return entry
  }

  return {
    add,
    take: kinds => out(entries.findIndex(({ work }) => kinds.includes(work.kind))),
    remove: key => void out(entries.findIndex(entry => entry.key === key)),
    has: workId => ids.has(workId),
    get size() {
      return entries.length
    },
  }
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
