/* Work that is done again and again, in case something was missed: one turn at a time, and a turn that
 * fails, because the ledger is away for example, is the next one's. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Parts } from '../parts.ts'

export interface Repeated {
  /** No more turns; resolves when the one under way has ended. */
  close(): Promise<void>
}

interface Options {
  readonly everyMs: number
  readonly log: Parts['log']
  /** So long the first turn, at once, is waited for; it goes on after that. */
  readonly firstMs: number
}

/** Rejects when the first turn fails while it is waited for. `work` ends early when it is told to. */
export async function openRepeated(
  work: (ending: AbortSignal) => Promise<void>,
  { everyMs, firstMs, log }: Options,
): Promise<Repeated> {
  const ending = new AbortController()
  const first = work(ending.signal)
  let running: Promise<void> | undefined = turn(first)
  await Promise.race([first, sleep(firstMs, undefined, { ref: false })])

  async function turn(begun: Promise<void>): Promise<void> {
    try {
      await begun
    } catch (error) {
      log('error', `what is unfinished could not be taken up: ${(error as Error).message}`)
    } finally {
      running = undefined
    }
  }

  const timer = setInterval(() => {
    running ??= turn(work(ending.signal))
  }, everyMs)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      ending.abort()
      await running
    },
  }
}
