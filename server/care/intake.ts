/* Relying on content while a collection may run.
 *
 * A collector condemns content that nothing reaches, and then looks once more at what was written
 * since it began. So whoever finds or puts content and then commits a fact about it must not have
 * looked before the condemnation and commit after that second look. The record `gc/epoch` is the
 * arbiter: its version grows when content was condemned, and every such commit expects the version
 * that was current when the work began. The same holds between servers that share a ledger. */
import { isKaosError, type KaosError } from '../../api/errors.ts'
import type { Expectation, Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Intake } from '../parts.ts'

export const EPOCH = 'gc/epoch'
const TURNS = 10

export function openIntake(ledger: Ledger): Intake {
  async function version(): Promise<number> {
    return (await recordAt(ledger, EPOCH))?.version ?? 0
  }

  return {
    async relying(work) {
      for (let turn = 1; ; turn++) {
        const epoch = await version()
        const expect: Expectation[] = [{ record: EPOCH, version: epoch }]
        try {
          return await work(expect, epoch)
        } catch (error) {
          if (!isKaosError(error, 'CONFLICT') || turn >= TURNS) throw error
          if (!isTakenMeanwhile(error) && epoch === (await version())) throw error
        }
      }
    },
  }
}

/** The store's own word for it: something that a `put` had found was condemned before it ended. */
function isTakenMeanwhile({ detail }: KaosError): boolean {
  return detail.digest !== undefined
}

/** Whether a commit failed because a collection went between: only its whole work can be repeated. */
export function isEpochOver({ detail }: KaosError): boolean {
  return (detail.expected as { record?: string } | undefined)?.record === EPOCH
}
