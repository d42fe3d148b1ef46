/* Work that is done again and again, in case something was missed: one turn at a time, and a turn that
 * fails, because the ledger is away for example, is the next one's. */
import type { Parts } from '../parts.ts'

export interface Repeated {
  /** No more turns; resolves when the one under way has ended. */
  close(): Promise<void>
}

export function openRepeated(
  work: () => Promise<void>,
  { everyMs, log }: { readonly everyMs: number; readonly log: Parts['log'] },
): Repeated {
  let running: Promise<void> | undefined

  async function turn(): Promise<void> {
    try {
      await work()
    } catch (error) {
      log('error', `what is unfinished could not be taken up: ${(error as Error).message}`)
    } finally {
      running = undefined
    }
  }

  const timer = setInterval(() => {
    running ??= turn()
  }, everyMs)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await running
    },
  }
}
