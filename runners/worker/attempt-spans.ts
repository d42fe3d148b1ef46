/* The spans of an attempt, below the call that asked for it: one for all of it, and within it one for each
 * phase. That of a service ends when it serves, since services may run for years. */
import type { WorkOrder } from '../../api/attempts.ts'
import { type Span, tracing } from '../../api/tracing/tracing.ts'

/** `left`: for the next worker. */
const FINE: readonly string[] = ['succeeded', 'stopped', 'left']

export class AttemptSpans {
  readonly #whole: Span | undefined
  #phase: Span | undefined
  #named = ''

  constructor({ attempt, job, number, traceparent, work, workspace }: WorkOrder) {
    const attributes = {
      'kaos.attempt': attempt,
      'kaos.attempt.number': number,
      'kaos.job': job,
      'kaos.workspace': workspace,
    }
    this.#whole = tracing()?.begin(work.kind, { parent: traceparent, attributes })
  }

  /** Calls of the server that the work makes are parts of the attempt. */
  within<T>(work: () => T): T {
    const whole = this.#whole
    return whole === undefined ? work() : tracing()!.within(whole, work)
  }

  /** It is in this phase now. */
  enter(phase: string): void {
    if (phase === this.#named) return
    this.#phase?.end()
    this.#phase = undefined
    this.#named = phase
    if (phase === 'serving') this.#whole?.end()
    else this.#phase = this.within(() => tracing()?.begin(phase, {}))
  }

  /** It has ended so. */
  end(state: string, reason = state): void {
    const error = FINE.includes(state) ? undefined : reason
    this.#phase?.end(error)
    this.#phase = undefined
    this.#whole?.set({ 'kaos.state': state })
    this.#whole?.end(error)
  }
}
