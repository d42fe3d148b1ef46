/* How many bodies are read at once: each holds an object in memory until it is written. Those that come
 * when there is no room wait, unread, and are refused when too many wait or one waits for too long. */
import { KaosError } from '../../api/errors.ts'
import { OBJECT_MAX } from '../../api/tree.ts'

/** Bytes that the bodies being read may hold together. */
const ROOM = 2 * OBJECT_MAX
/** What a body costs beside its object, and what one of unknown length is believed to cost. */
const LEAST = 1024 * 1024
const UNKNOWN = 16 * 1024 * 1024
const WAITING_MAX = 256
const WAIT_MS = 20_000

interface Waiting {
  readonly cost: number
  readonly enter: () => void
}

export class Admission {
  readonly #waiting: Waiting[] = []
  readonly #waitMs: number
  #free: number

  constructor({ room = ROOM, waitMs = WAIT_MS }: { room?: number; waitMs?: number } = {}) {
    this.#free = room
    this.#waitMs = waitMs
  }

  /** Does the work when there is room for a body of so many bytes. UNAVAILABLE when there is none. */
  async run<T>(bytes: number | undefined, work: () => Promise<T>): Promise<T> {
    const cost = Math.min(bytes ?? UNKNOWN, OBJECT_MAX) + LEAST
    await this.#enter(cost)
    try {
      return await work()
    } finally {
      this.#free += cost
      this.#admit()
    }
  }

  async #enter(cost: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#free >= cost) {
      this.#free -= cost
      return
    }
    if (this.#waiting.length >= WAITING_MAX) throw busy()
    await new Promise<void>((resolve, reject) => {
      const waiting = { cost, enter: resolve }
      const late = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(busy())
        this.#admit()
      }, this.#waitMs)
      waiting.enter = () => {
        clearTimeout(late)
        resolve()
      }
      this.#waiting.push(waiting)
    })
  }

  /** In the order in which they came, so that a large body is not passed over for ever. */
  #admit(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      if (this.#free < first.cost) return
      this.#waiting.shift()
      this.#free -= first.cost
      first.enter()
    }
  }
}

function busy(): KaosError {
  return new KaosError('UNAVAILABLE', 'the server is taking too many uploads; try again soon')
}
