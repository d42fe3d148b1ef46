/* Trying again. A server that cannot be reached is coming back: a worker waits for it for ever, and
 * what it runs goes on meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Code, isKaosError } from '../../api/errors.ts'

const FIRST_MS = 200
const LONGEST_MS = 10_000
const RETRY_AFTER_MAX_MS = 60_000
const PASSING: readonly Code[] = [
  'UNREACHABLE',
  'UNAVAILABLE',
  'TOO_MANY_REQUESTS',
  'REQUEST_TIMEOUT',
  'INTERNAL',
  'LOCKED',
  'STORAGE_FULL',
]
const GONE: readonly Code[] = [
  'ATTEMPT_STALE',
  'NOT_FOUND',
  'JOB_NOT_FOUND',
  'AUTHORIZATION_FAILURE',
  'NOT_PERMITTED',
]

/** Whether it may well be different the next time. */
export function passes(error: unknown): boolean {
  return isKaosError(error) && PASSING.includes(error.code)
}

/** Whether the server does not know this attempt (any more): whatever is done for it is in vain. */
export function isGone(error: unknown): boolean {
  return isKaosError(error) && GONE.includes(error.code)
}

/** Calls until it succeeds, or fails in a way that does not pass, or `signal` is aborted. */
export async function patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      signal.throwIfAborted()
      return await call()
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!passes(error)) throw error
      await pause(waitAfter(error, tries), signal)
    }
  }
}

/** At least as long as the server asks for, and a little off, so that not all come back at once. */
export function waitAfter(error: unknown, tries: number): number {
  const asked = isKaosError(error) ? Number(error.detail.retryAfter) : Number.NaN
  const least = Number.isFinite(asked) ? Math.min(asked * 1000, RETRY_AFTER_MAX_MS) : 0
  return least === 0 ? backoff(tries) : Math.max(backoff(tries), least * (1 + Math.random() / 4))
}

/** 0.2 s, 0.4 s … 10 s, each a little off, so that many workers do not come at once. */
export function backoff(tries: number): number {
  return Math.min(FIRST_MS * 2 ** tries, LONGEST_MS) * (0.75 + Math.random() / 2)
}

/** Waits; throws the signal's reason when aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch {
    throw signal.reason
  }
}
