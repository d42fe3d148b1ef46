/* How fast one caller may be: a bucket of tokens for each, which fills at a steady rate and holds ten
 * seconds' worth. Nobody waits for a window to end: whoever is told to come back in a second can. */

const BURST_S = 10
/** Callers that are remembered; the one that was heard of longest ago is forgotten, which only favours
 * it. */
const CALLERS_MAX = 10_000

interface Bucket {
  tokens: number
  at: number
}

export class Pace {
  readonly #rate: number
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** `rate`: calls in a second. */
  constructor(rate: number, now: () => number = () => performance.now()) {
    this.#rate = rate
    this.#now = now
  }

  /** Takes one call. Answers 0, or after how many seconds the next would be taken. */
  take(caller: string): number {
    const now = this.#now()
    const most = this.#rate * BURST_S
    const known = this.#buckets.get(caller) ?? { tokens: most, at: now }
    const tokens = Math.min(most, known.tokens + ((now - known.at) / 1000) * this.#rate)
    const taken = tokens >= 1
    // Put back at the end: the first in the map is then who was heard of longest ago.
    this.#buckets.delete(caller)
    this.#buckets.set(caller, { tokens: taken ? tokens - 1 : tokens, at: now })
    if (this.#buckets.size > CALLERS_MAX) this.#forgetOldest()
    return taken ? 0 : (1 - tokens) / this.#rate
  }

  #forgetOldest(): void {
    const oldest = this.#buckets.keys().next().value
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}
