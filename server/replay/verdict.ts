/* A verdict that has been reached: it is in the ledger. Here is where it is vouched for and told to
 * whoever wants to know. */
import type { Digest } from '../../api/digest.ts'
import type { VerdictView } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import type { JobRecord } from '../jobs/records.ts'
import type { Conclusion } from './conclude.ts'

/** What a verdict says of which model. */
export interface ReachedVerdict {
  /** Entity of the verdict, and the job that came to it. */
  readonly entity: string
  readonly job: string
  readonly workspace: string
  readonly organisation: string
  readonly subject: {
    readonly model: string
    readonly modelId: string
    /** Of the model's tree. */
    readonly digest: Digest
  }
  readonly verdict: VerdictView['verdict']
  readonly details: VerdictView
}

/** Called once the verdict is durable. */
export function verdictReached(board: Board, job: JobRecord, { replay, view }: Conclusion): void {
  const { of, verdict } = replay
  const reached: ReachedVerdict = {
    entity: verdict!.entity,
    job: job.id,
    workspace: job.workspace,
    organisation: job.organisation,
    subject: { model: of.model, modelId: of.modelId, digest: of.tree },
    verdict: view.verdict,
    details: view,
  }
  const { entity, subject } = reached
  const fields = { entity, job: job.id, model: subject.model, verdict: view.verdict }
  board.parts.log('info', `replay of ${subject.modelId}: ${view.verdict}`, fields)
}
