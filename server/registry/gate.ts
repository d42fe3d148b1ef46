/* How many bodies come in at once: each holds pieces in memory (server/blobs/pieces.ts). Those that are
 * too many wait in line, unread; when the line is too long they are told to come back. */
import { Readable } from 'node:stream'
import { KaosError } from '../../api/errors.ts'
import { CHUNK_MAX, OBJECT_MAX } from '../../api/tree.ts'
import { bounded } from '../transfer/bodies.ts'

/** The longest file that a list can describe. */
export const BLOB_MAX = Math.floor(OBJECT_MAX / 36) * CHUNK_MAX

const WAIT_MS = 20_000

export interface Gate {
  /** Reads the body once it is its turn. TOO_MANY_REQUESTS when one caller fills the line, UNAVAILABLE
   * when many do. */
  pass<T>(
    caller: string,
    body: unknown,
    read: (body: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T>
}

interface Waiting {
  readonly caller: string
  readonly go: () => void
}

interface Bounds {
  readonly atOnce: number
  readonly waitingMax: number
  readonly windowMs: number
}

const BOUNDS: Bounds = { atOnce: 64, waitingMax: 64, windowMs: 30_000 }

export function openGate(bounds: Partial<Bounds> = {}): Gate {
  const { atOnce, waitingMax, windowMs } = { ...BOUNDS, ...bounds }
  const waiting: Waiting[] = []
  let inside = 0

  function full(caller: string): KaosError {
    const own = waiting.filter(one => one.caller === caller).length
    const message = 'too many uploads at once; try again in a few seconds'
    return new KaosError(own * 2 > waiting.length ? 'TOO_MANY_REQUESTS' : 'UNAVAILABLE', message)
  }

  async function enter(caller: string): Promise<void> {
    if (inside < atOnce) {
      inside++
      return
    }
    if (waiting.length >= waitingMax) throw full(caller)
    await new Promise<void>((resolve, reject) => {
      const one = { caller, go: () => settle(resolve) }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(one), 1)
        reject(full(caller))
      }, WAIT_MS)
      timer.unref()
      const settle = (done: () => void) => {
        clearTimeout(timer)
        done()
      }
      waiting.push(one)
    })
  }

  /** Who leaves hands the place on. */
  function leave(): void {
    const next = waiting.shift()
    if (next) next.go()
    else inside--
  }

  return {
    async pass(caller, body, read) {
      await enter(caller)
      try {
        return await read(bounded(bodyOf(body), BLOB_MAX, windowMs))
      } finally {
        leave()
      }
    },
  }
}

/** The stream of a request's body; an empty one when there is none. */
export function bodyOf(body: unknown): Readable {
  return body instanceof Readable ? body : Readable.from([])
}
