/* How late the event loop is: a clock that should tick four times a second, and by how much it does
 * not. Late for one tick is a long piece of work; late for several is more work than there is time. */
import { performance } from 'node:perf_hooks'

const TICK_MS = 250
const TICKS = 4

export interface Pulse {
  /** Of the last second, in milliseconds: usual and largest. */
  lag(): { mean: number; max: number }
  close(): void
}

export function openPulse(): Pulse {
  const late: number[] = []
  let due = performance.now() + TICK_MS
  const timer = setInterval(() => {
    const now = performance.now()
    late.push(Math.max(0, now - due))
    if (late.length > TICKS) late.shift()
    due = now + TICK_MS
  }, TICK_MS)
  timer.unref()
  return {
    lag() {
      const running = Math.max(0, performance.now() - due)
      const all = [...late, running]
      const sum = late.reduce((total, one) => total + one, 0)
      return { mean: late.length === 0 ? 0 : sum / late.length, max: Math.max(...all) }
    },
    close: () => clearInterval(timer),
  }
}
