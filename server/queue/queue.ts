/* The queue: which of the ready work a worker gets. */
import type { LiveAttempts } from '../attempts/live.ts'
import type { ReadySet, ReadyWork } from '../jobs/ready.ts'
import type { WorkRef } from '../jobs/records.ts'
import { loadOf, nextOf } from './order.ts'
import type { QueueRules } from './rules.ts'

export interface Queue {
  readonly rules: QueueRules
  /** Takes the next piece of work of these kinds that fits out of the ready set's mirror. */
  take(kinds: readonly string[], fits: (work: WorkRef) => boolean): ReadyWork | undefined
}

export function openQueue(ready: ReadySet, live: LiveAttempts, rules: QueueRules): Queue {
  return {
    rules,
    take(kinds, fits) {
      const load = loadOf(live.all().map(({ record }) => record.work))
      const next = nextOf(ready.all(), kinds, fits, rules, load)
      if (next) ready.remove(next.key)
      return next
    },
  }
}
