/* What a program uses, looked at again and again while it runs: told to the server with the lease, and
 * of a training also kept, sample by sample. */
import type { Work } from './work.ts'

/** A program that is over sooner is not looked at. */
const FIRST_MS = 250
/** At least once a second, whatever timers add. */
const EVERY_MS = 900

/** Looks until the signal is aborted; then resolves. Never rejects: not to know is no failure. */
export async function sampleUntil(work: Work, signal: AbortSignal): Promise<void> {
  const { folder, lease, measurements, runner } = work
  let due = performance.now() + FIRST_MS
  for (;;) {
    await passed(due - performance.now(), signal)
    if (signal.aborted) return
    // After a pause of the whole machine nothing is caught up on.
    due = Math.max(due + EVERY_MS, performance.now())
    const seen = await runner.stats(folder.place).catch(() => undefined)
    if (seen === undefined || signal.aborted) continue
    lease.saw(seen)
    measurements?.entry(seen)
  }
}

/** Resolves after that time, or when the signal is aborted. */
export function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, Math.max(0, ms))
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
