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
    live: () => board.live.all().map(({ record }) => ({ kind: record.work.kind })),
    workers: () => workersOf(board).size,
    waiting: () => countWaiting(board),
  }
}

/** Those that hold work, and those that were heard of lately. */
function workersOf({ live, workers: roster }: Board): Set<string> {
  const here = roster.workers().filter(worker => roster.isHere(worker))
  const busy = live.all().map(({ record }) => record.instance ?? record.worker)
  return new Set([...here.map(({ instance }) => instance), ...busy])
}
