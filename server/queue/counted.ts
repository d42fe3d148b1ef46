/** The queue, as the metrics count it. */
import type { Board } from '../jobs/board.ts'
import type { QueueSource } from '../metrics/queue.ts'
import { countWaiting, readySince } from './view.ts'

export function queueSource(board: Board): QueueSource {
  return {
    now: board.parts.now,
    *ready() {
      for (const entry of board.ready.all()) {
        yield { kind: entry.work.kind, since: readySince(entry) }
      }
    },
    live: () =>
      board.live.all().map(({ record }) => ({ kind: record.work.kind, worker: record.worker })),
    waiting: () => countWaiting(board),
  }
}
