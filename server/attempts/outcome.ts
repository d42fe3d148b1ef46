/** The outcome of a job that is one piece of work: written once, and nobody waits for it any more. */
import type { Json, Move } from '../../graph/ledger.ts'
import type { Plan } from '../jobs/board.ts'
import { forget } from '../jobs/reading.ts'
import { type JobRecord, keyOf, outcomePointer } from '../jobs/records.ts'
import type { Facts } from './facts.ts'

export interface Outcome {
  readonly facts: Facts
  readonly moves: readonly Move[]
  readonly detail: Record<string, unknown>
}

/** `type`: the fact's name. CONFLICT at commit when the job has an outcome already. */
export function planOutcome(
  plan: Plan,
  job: JobRecord,
  type: string,
  { facts, moves, detail }: Outcome,
): void {
  const pointer = outcomePointer(job.id)
  plan.expect.push({ pointer, target: null })
  plan.statements.push({
    type,
    workspace: job.workspace,
    ...facts,
    moves: [...moves, { pointer, target: job.state }],
    detail: { ...detail, job: job.id, reason: job.reason } as Record<string, Json>,
  })
  plan.records.push(forget(keyOf.open(job.workspace, job.id)))
}
