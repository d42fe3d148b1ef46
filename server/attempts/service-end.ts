/* The end of an attempt at a service. A service that ends by itself has failed; one whose runner was
 * lost is started again, as often as it takes. */

import { type Board, makeReady, type Plan, saveEndpoint } from '../jobs/board.ts'
import { readRecord, same, write } from '../jobs/reading.ts'
import { type AttemptRecord, type EndpointRecord, keyOf, type Trace } from '../jobs/records.ts'
import { KEPT_TRACES, withoutAttempt } from '../serve/endpoints.ts'
import { addJournals, courseOf, type Facts, traceOf } from './facts.ts'
import type { ServicePlace } from './places.ts'
import type { End } from './verdict.ts'
import { verdictOn } from './verdict.ts'

export function endService(
  board: Board,
  plan: Plan,
  { endpoint }: ServicePlace,
  attempt: AttemptRecord,
  { ending, report }: End,
): void {
  const verdict = verdictOn(ending, {
    stop: false,
    tries: attempt.number,
    limit: Number.POSITIVE_INFINITY,
  })
  const facts: Facts = { nodes: [], edges: [] }
  addJournals(board, facts, attempt, ending)
  const traces = [...endpoint.traces, traceOf(attempt, ending)].slice(-KEPT_TRACES)
  const again = verdict.is === 'again'
  plan.statements.push({
    type: again ? 'attempt.lost' : 'endpoint.failed',
    workspace: endpoint.workspace,
    ...facts,
    detail: { endpoint: endpoint.name, ...courseOf(attempt, ending, report) },
  })
  const reason =
    verdict.is === 'success'
      ? 'the service ended by itself'
      : (ending.reason ?? 'the service failed')
  saveEndpoint(board, plan, {
    ...withoutAttempt(endpoint),
    traces,
    state: again ? 'PIPELINE_RESTARTING' : 'PIPELINE_FAILURE',
    reason: again ? null : reason,
  })
  if (again) makeReady(board, plan, attempt.work, endpoint.createdAt)
}

/** An attempt at what was killed meanwhile: only its log is added. */
export async function logOfGone(
  board: Board,
  plan: Plan,
  attempt: AttemptRecord,
  { ending, report }: End,
): Promise<void> {
  const { work } = attempt
  const facts: Facts = { nodes: [], edges: [] }
  addJournals(board, facts, attempt, ending)
  plan.statements.push({
    type: 'attempt.stopped',
    workspace: work.workspace,
    ...facts,
    detail: { job: work.job, ...courseOf(attempt, ending, report) },
  })
  if (work.kind !== 'service') return
  const gone = await readRecord<EndpointRecord>(board.parts.ledger, keyOf.gone(work.endpoint))
  if (gone?.value.attempt !== attempt.id) return
  const traces: Trace[] = [...gone.value.traces, traceOf(attempt, ending)].slice(-KEPT_TRACES)
  plan.expect.push(same(gone))
  plan.records.push(write(gone.key, { ...withoutAttempt(gone.value), traces }))
}
