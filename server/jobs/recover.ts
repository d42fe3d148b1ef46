/* The start. What memory knows is read from records; what is unfinished and in nobody's hands is
 * made ready again; what a crash interrupted between an outcome and its consequences goes on. Only
 * what is unfinished is read, however many jobs there were. */
import { currentOf, placeOf } from '../attempts/places.ts'
import { isStopped } from '../attempts/stopped.ts'
import { turnOf } from '../attempts/turn.ts'
import { settleBuilt } from '../serve/built.ts'
import { advance } from '../train/advance.ts'
import { attemptEach, type Board, carryOut, makeReady, planFor } from './board.ts'
import { absent, readRecord, recordsOf, resting, retrying } from './reading.ts'
import {
  type AttemptRecord,
  type EndpointRecord,
  type JobRecord,
  keyOf,
  type TrainPart,
  type TrialRecord,
  type WorkRef,
} from './records.ts'

/** Attempts with their leases begun anew, and endpoints with their addresses. */
export async function readMemory(board: Board): Promise<void> {
  const { ledger } = board.parts
  for await (const { value } of recordsOf<EndpointRecord>(ledger, 'endpoint/')) {
    board.endpoints.set(value.name, value)
  }
  for await (const { value } of recordsOf<AttemptRecord>(ledger, 'attempt/')) {
    board.live.add(value, await isStopped(board, value.work))
  }
  const held = new Set(board.live.all().map(one => one.record.id))
  await board.journals.keepOnly(held)
  await board.measurements.keepOnly(held)
  await board.metrics.keepOnly(held)
}

/** Takes up everything unfinished, until `ending` is aborted. Can be called again at any time. */
export async function takeUp(board: Board, ending?: AbortSignal): Promise<void> {
  const open = resting(recordsOf<object>(board.parts.ledger, 'open/'))
  await attemptEach(board, 'a job could not be taken up', open, async ({ key }) => {
    const [, workspace = '', job = ''] = key.split('/')
    if (!ending?.aborted) await takeUpJob(board, workspace, job)
  })
  const endpoints = [...board.endpoints.values()]
  await attemptEach(board, 'an endpoint could not be taken up', endpoints, async endpoint => {
    if (ending?.aborted) return
    await settleBuilt(board, endpoint.name)
    const { name, work: id, image, state, workspace, buildJob: job, createdAt } = endpoint
    if (image === null || state === 'PIPELINE_FAILURE') return
    const needs = endpoint.resources
    await offer(board, { kind: 'service', id, workspace, job, endpoint: name, needs }, createdAt)
  })
}

async function takeUpJob(board: Board, workspace: string, id: string): Promise<void> {
  // A build or an ingestion is one piece of work, named as its job: it waits for a worker.
  if (board.ready.has(id)) return
  const { ledger } = board.parts
  const job = (await readRecord<JobRecord>(ledger, keyOf.job(workspace, id)))?.value
  if (!job) return
  if (job.build) await offer(board, { kind: 'build', id, workspace, job: id }, job.started)
  if (job.ingest) await offer(board, { kind: 'ingest', id, workspace, job: id }, job.started)
  for (const index of job.train?.live ?? []) {
    if (board.ready.hasTrial(id, index)) continue
    const trial = await readRecord<TrialRecord>(ledger, keyOf.trial(id, index))
    if (!trial) continue
    const needs = job.resources
    const work = { kind: 'trial', id: trial.value.id, workspace, job: id, index, needs } as const
    await offer(board, work, job.started)
  }
  if (job.train && !waitsForTrials(job, job.train)) await advance(board, workspace, id)
}

/** As many of its trials are on their way as may be: the end of one of them moves it on. */
function waitsForTrials({ stop, replay }: JobRecord, train: TrainPart): boolean {
  const { image, data, live, parallelism, total, next } = train
  if (stop || replay?.fresh?.image === null || image === null || data === null || live.length === 0)
    return false
  return live.length >= parallelism || next === total
}

/** Makes the work ready unless it is, or somebody holds it. */
async function offer(board: Board, work: WorkRef, since: string): Promise<void> {
  if (board.ready.has(work.id)) return
  const { ledger, people } = board.parts
  await board.turns.take(turnOf(work), () =>
    retrying(async () => {
      const place = await placeOf(board, work)
      if (!place) return
      const current = currentOf(place)
      if (current !== null && (await readRecord(ledger, keyOf.attempt(current)))) return
      const key = keyOf.ready(work, since)
      if (await readRecord(ledger, key)) return board.ready.add({ key, work })
      const { organisation } = place.kind === 'service' ? place.endpoint : place.job
      const plan = planFor(people.system.id, organisation)
      plan.expect.push({ record: place.key, version: place.version }, absent(key))
      makeReady(board, plan, work, since)
      await carryOut(board, plan)
    }),
  )
}
