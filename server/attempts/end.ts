/* The end of an attempt, recorded once. One commit holds the outcome, the facts, and that the
 * attempt is over; whoever comes later finds it gone. What follows from it (the next trials, the
 * trainings that waited for a build) is taken up after that, and again at a start. */
import type { Digest } from '../../api/digest.ts'
import type { Expectation } from '../../graph/ledger.ts'
import { type Board, carryOut, type Plan, planFor } from '../jobs/board.ts'
import { attemptTopic, READY } from '../jobs/changes.ts'
import { forget, readRecord, retrying, same } from '../jobs/reading.ts'
import { type AttemptRecord, keyOf } from '../jobs/records.ts'
import { endBuild } from './build-end.ts'
import { followBuild, followTrial } from './follow.ts'
import { endIngest } from './ingest-end.ts'
import { currentOf, type Place, placeOf } from './places.ts'
import { endService, logOfGone } from './service-end.ts'
import { endTrial } from './trial-end.ts'
import { turnOf } from './turn.ts'
import type { End } from './verdict.ts'

/** An ended attempt as it is remembered for a while: the same report again is answered alike. */
export interface Past {
  readonly report: Digest | null
}

const REMEMBERED_MS = 7 * 24 * 3600_000

/** `relied`: what must hold for the content that the end speaks of (parts.intake). */
export async function endAttempt(
  board: Board,
  attempt: AttemptRecord,
  end: End,
  relied: readonly Expectation[],
): Promise<void> {
  const { work } = attempt
  await board.turns.take(turnOf(work), () => retrying(() => record(board, attempt, end, relied)))
  await board.journals.remove(attempt.id)
  await board.measurements.remove(attempt.id)
  await board.metrics.remove(attempt.id)
  await board.parts.transfer.end(attempt.id)
  if (work.kind === 'trial') await followTrial(board, work.workspace, work.job)
  if (work.kind === 'build' || work.kind === 'ingest')
    await followBuild(board, work.workspace, work.job)
}

async function record(
  board: Board,
  attempt: AttemptRecord,
  end: End,
  relied: readonly Expectation[],
): Promise<void> {
  const held = await readRecord<AttemptRecord>(board.parts.ledger, keyOf.attempt(attempt.id))
  if (!held) return
  const plan = planFor(attempt.agent, attempt.organisation, relied)
  plan.expect.push(same(held))
  plan.records.push(forget(held.key), {
    key: keyOf.past(attempt.id),
    value: { report: end.reportDigest ?? null },
    expires: board.parts.now() + REMEMBERED_MS,
  })
  const place = await placeOf(board, attempt.work)
  if (place && currentOf(place) === attempt.id) await planEnd(board, plan, place, attempt, end)
  else await logOfGone(board, plan, attempt, end)
  plan.after.push(() => {
    board.live.remove(attempt.id)
    count(board, attempt, end)
    // Somebody who waits may be let in now.
    board.changes.wake(attemptTopic(attempt.id), READY)
  })
  await carryOut(board, plan)
}

function count({ parts }: Board, { work }: AttemptRecord, { ending, report }: End): void {
  parts.metrics.attemptEnded(work.kind, ending.state)
  if (ending.state === 'lost' && !report) parts.metrics.leaseLost(work.kind)
}

async function planEnd(
  board: Board,
  plan: Plan,
  place: Place,
  attempt: AttemptRecord,
  end: End,
): Promise<void> {
  plan.expect.push({ record: place.key, version: place.version })
  if (place.kind === 'build') await endBuild(board, plan, place, attempt, end)
  else if (place.kind === 'ingest') await endIngest(board, plan, place, attempt, end)
  else if (place.kind === 'trial') await endTrial(board, plan, place, attempt, end)
  else endService(board, plan, place, attempt, end)
}
