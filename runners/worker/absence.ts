/* An engine that is away comes back: it is restarted, or its line is mended. Whoever needs it waits, for
 * a while; then the work is given back, since another host's engine may be sound. */
import { isKaosError } from '../../api/errors.ts'
import { backoff, pause } from './patience.ts'

/** So long an attempt holds its work for an engine that is away. */
const WAIT_MS = 10 * 60 * 1000
/** An engine that is back is to be found soon. */
const LONGEST_PAUSE_MS = 2000

export interface Waiting {
  readonly signal: AbortSignal
  /** Hears once that the engine is away. */
  readonly say: (line: string) => void
  readonly waitMs?: number
}

/** Whether the engine was not reached, so that nothing is known of what was asked of it. */
export function isAway(error: unknown): boolean {
  return isKaosError(error, 'RUNNER_UNAVAILABLE') && error.detail.away === true
}

/** Does it until the engine is there. `work` is told how often it was tried before: what it did then may
 * have had its effect. */
export async function throughAbsence<T>(
  { signal, say, waitMs = WAIT_MS }: Waiting,
  work: (tries: number) => Promise<T>,
): Promise<T> {
  const until = performance.now() + waitMs
  for (let tries = 0; ; tries++) {
    try {
      return await work(tries)
    } catch (error) {
      if (!isAway(error) || performance.now() >= until) throw error
      if (tries === 0) say((error as Error).message)
      await pause(Math.min(backoff(tries), LONGEST_PAUSE_MS), signal)
    }
  }
}
