/** Renewing a lease, and with it telling how far the work is. Only a change is written down. */
import type { Lease, Reach, Renewal } from '../../api/attempts.ts'
import type { EndpointState, JobState } from '../../api/wire.ts'
import { type Board, carryOut, type Plan, planFor, saveEndpoint, saveJob } from '../jobs/board.ts'
import { readRecord, retrying, same, write } from '../jobs/reading.ts'
import {
  type AttemptRecord,
  type EndpointRecord,
  type JobRecord,
  keyOf,
  type Phase,
  type TrialRecord,
} from '../jobs/records.ts'
import { stale } from './live.ts'
import { type Place, placeOf, type TrialPlace } from './places.ts'
import { isStopped } from './stopped.ts'
import { turnOf } from './turn.ts'

export async function renewAttempt(
  board: Board,
  attempt: string,
  renewal: Renewal,
): Promise<Lease> {
  const held = await board.live.renew(attempt, renewal.progress)
  held.waiting = renewal.waiting
  const { work } = held.record
  if (renewal.address) board.workers.requireReach(held.record, renewal.address)
  if (held.record.phase !== renewal.phase || movedTo(board, held.record, renewal.address)) {
    await board.turns.take(turnOf(work), () => retrying(() => note(board, attempt, renewal)))
  }
  const { stop } = await board.live.renew(attempt)
  const killed = stop || (board.parts.settings.shared && (await isStopped(board, work)))
  return { leaseMs: board.parts.settings.leaseMs, stop: killed }
}

function movedTo(board: Board, { work }: AttemptRecord, address: Reach | undefined): boolean {
  if (work.kind !== 'service' || address === undefined) return false
  const known = board.endpoints.get(work.endpoint)?.address
  return JSON.stringify(known) !== JSON.stringify(address)
}

async function note(board: Board, attempt: string, renewal: Renewal): Promise<void> {
  const { ledger } = board.parts
  const held = await readRecord<AttemptRecord>(ledger, keyOf.attempt(attempt))
  if (!held) throw stale(attempt)
  const record: AttemptRecord = { ...held.value, phase: renewal.phase }
  const plan = planFor(record.agent, record.organisation)
  plan.expect.push(same(held))
  plan.records.push(write(held.key, record))
  const place = await placeOf(board, record.work)
  if (place) {
    plan.expect.push({ record: place.key, version: place.version })
    await noteAt(board, plan, place, renewal)
  }
  plan.after.push(() => {
    const live = board.live.get(attempt)
    if (live) live.record = record
  })
  await carryOut(board, plan)
}

async function noteAt(board: Board, plan: Plan, place: Place, renewal: Renewal): Promise<void> {
  const { phase } = renewal
  if (place.kind === 'service') {
    saveEndpoint(board, plan, endpointAt(place.endpoint, renewal))
  } else if (place.kind !== 'trial') {
    saveJob(board, plan, { ...place.job, state: jobStateAt(place.job, phase) })
  } else {
    plan.expect.push(same(place.jobHeld))
    const state = phase === 'collecting' ? 'JOB_MERGING' : jobStateAt(place.trial, phase)
    const trial: TrialRecord = { ...place.trial, phase, state }
    plan.records.push(write(place.key, trial))
    saveJob(board, plan, { ...place.job, state: await trainStateAt(board, place, phase) })
  }
}

function jobStateAt({ state }: Pick<JobRecord, 'state'>, phase: Phase): JobState {
  if (phase === 'running') return 'JOB_RUNNING'
  return phase === 'collecting' ? 'JOB_MERGING' : state
}

/** A training is merging once nothing of it computes any more. */
async function trainStateAt(
  board: Board,
  { job, train, trial }: TrialPlace,
  phase: Phase,
): Promise<JobState> {
  if (phase !== 'collecting') return jobStateAt(job, phase)
  if (train.next < train.total) return 'JOB_RUNNING'
  for (const index of train.live) {
    if (index === trial.index) continue
    const other = await readRecord<TrialRecord>(board.parts.ledger, keyOf.trial(job.id, index))
    if (other?.value.phase !== 'collecting') return 'JOB_RUNNING'
  }
  return 'JOB_MERGING'
}

function endpointAt(endpoint: EndpointRecord, { phase, address }: Renewal): EndpointRecord {
  const states: Partial<Record<Phase, EndpointState>> = {
    serving: 'PIPELINE_RUNNING',
    restarting: 'PIPELINE_RESTARTING',
  }
  const state = states[phase] ?? endpoint.state
  const open = phase === 'serving'
  return { ...endpoint, state, reason: null, address: open ? (address ?? endpoint.address) : null }
}
