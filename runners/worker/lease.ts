/* The lease of an attempt: renewed all the while, so that the server knows that it goes on, where a
 * service listens, and what it uses; and so that a kill is learnt of within a second. */
import type { Lease as Granted, Progress, Renewal } from '../../api/attempts.ts'
import type { Measurement } from '../../api/measurements.ts'
import type { AttemptCalls } from './attempts-client.ts'
import { backoff, isGone } from './patience.ts'

/** Why an attempt does not go on. `stop`: somebody killed it. `gone`: it is no longer ours. `drain`:
 * the worker ends, and what runs is left for the next one. */
export class Halt extends Error {
  readonly why: 'stop' | 'gone' | 'drain'

  constructor(why: Halt['why']) {
    super(`the attempt is halted: ${why}`)
    this.why = why
  }
}

const RENEW_MS = 1000
/** A phase that is over within this time is not told: trials of a grid are often short. */
const TELL_MS = 200

type Phase = Renewal['phase']
export type Status = Pick<Renewal, 'phase' | 'address' | 'startedAt' | 'progress' | 'waiting'>

export class Lease {
  readonly #calls: AttemptCalls
  readonly #entered: (phase: Phase) => void
  readonly #halting = new AbortController()
  readonly #quitting = new AbortController()
  readonly #closing = new AbortController()
  #leaseMs: number
  #status: Status = { phase: 'preparing' }
  /** Something the server was not told yet. */
  #changed = false
  #due = 0
  #wake: () => void = () => {}
  #latest: Measurement | undefined
  #peak = 0
  /** What the server was not told yet. */
  #fresh: Measurement | undefined

  /** `entered`: told each phase that is set. */
  constructor(calls: AttemptCalls, leaseMs: number, entered: (phase: Phase) => void) {
    this.#calls = calls
    this.#entered = entered
    this.#leaseMs = leaseMs
  }

  /** Renews until `close`. `fresh`: the lease has just been granted. */
  async keep({ fresh }: { readonly fresh: boolean }): Promise<void> {
    let failures = fresh || (await this.#renew()) ? 0 : 1
    while (!this.#ended()) {
      await this.#rest(failures > 0 ? backoff(failures) : Math.min(this.#leaseMs / 3, RENEW_MS))
      if (this.#ended()) return
      failures = (await this.#renew()) ? 0 : failures + 1
    }
  }

  /** For so long, or until there is something to tell. */
  async #rest(ms: number): Promise<void> {
    this.#due = performance.now() + (this.#changed ? Math.min(TELL_MS, ms) : ms)
    for (;;) {
      const left = this.#due - performance.now()
      if (left <= 0 || this.#ended()) return
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Aborted with a Halt whatever the reason: do not begin anything, end what runs. */
  get halted(): AbortSignal {
    return this.#halting.signal
  }

  /** Aborted with a Halt that is not `stop`: there is nothing left to tell the server. */
  get quit(): AbortSignal {
    return this.#quitting.signal
  }

  /** The latest measurement, with the most memory that was seen. */
  get usage(): Measurement | undefined {
    return this.#latest && { ...this.#latest, memoryBytes: this.#peak }
  }

  /** Told to the server soon; where a service listens, at once. */
  set(status: Status): void {
    this.#status = status
    this.#entered(status.phase)
    this.#changed = true
    const ms = status.address === undefined ? TELL_MS : 0
    this.#due = Math.min(this.#due, performance.now() + ms)
    this.#wake()
  }

  /** What the program uses: told with the next renewal. */
  saw(measurement: Measurement): void {
    this.#peak = Math.max(this.#peak, measurement.memoryBytes)
    this.#latest = measurement
    this.#fresh = measurement
  }

  /** Told with the next renewal. */
  tell(progress: Progress): void {
    this.#status = { ...this.#status, progress }
  }

  halt(why: Halt['why']): void {
    const halt = new Halt(why)
    this.#halting.abort(halt)
    if (why !== 'stop') this.#quitting.abort(halt)
    this.#wake()
  }

  close(): void {
    this.#closing.abort()
    this.#wake()
  }

  async #renew(): Promise<boolean> {
    try {
      const measurement = this.#fresh
      this.#fresh = undefined
      this.#changed = false
      const renewal = { ...this.#status, ...(measurement === undefined ? {} : { measurement }) }
      const granted: Granted = await this.#calls.renew(renewal, this.#closing.signal)
      this.#leaseMs = granted.leaseMs
      if (granted.stop && !this.#halting.signal.aborted) this.halt('stop')
      return true
    } catch (error) {
      if (isGone(error)) this.halt('gone')
      return false
    }
  }

  #ended(): boolean {
    return this.#closing.signal.aborted || this.#quitting.signal.aborted
  }
}
