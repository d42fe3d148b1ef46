/* A worker may be started on a disk without a free byte: it waits there for room, as what runs and the
 * server do, and needs nobody to start it again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDiskFull } from '../api/errors.ts'

const LOOK_MS = 500

/** Does the work, again and again while the disk is full. `waiting` is told once if it has to wait. */
export async function onceThereIsRoom<T>(work: () => Promise<T>, waiting: () => void): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isDiskFull(error)) throw error
      if (tries === 0) waiting()
      await sleep(LOOK_MS)
    }
  }
}
