/* Moves a training on as far as it can go now: takes data and image when they are there, releases trials up
 * to the parallelism, ends the job after the last one. It reads where the job stands and can be
 * called at any time, again, and after a crash in between. */
import type { JobState } from '../../api/wire.ts'
import type { Expectation, Move } from '../../graph/ledger.ts'
import { type Board, carryOut, makeReady, planFor, saveJob, timeOf } from '../jobs/board.ts'
import {
  absent,
  forget,
  readPointer,
  readRecord,
  recordsOf,
  retrying,
  write,
} from '../jobs/reading.ts'
import {
  isFinal,
  type JobRecord,
  keyOf,
  outcomePointer,
  type ReplayPart,
  type TrainPart,
  type TrialRecord,
} from '../jobs/records.ts'
import { refusalOf } from '../quarantine/clean.ts'
import { type Conclusion, conclude, runsToCome } from '../replay/conclude.ts'
import { branchOf, fingerprintOf } from './fingerprint.ts'
import { newTrial } from './new-trial.ts'

interface Training {
  readonly job: JobRecord
  readonly train: TrainPart
  readonly version: number
}

export async function advance(board: Board, workspace: string, id: string): Promise<void> {
  const stepped = async (): Promise<boolean> => {
    const held = await readRecord<JobRecord>(board.parts.ledger, keyOf.job(workspace, id))
    if (!held?.value.train || isFinal(held.value.state)) return false
    const training = { job: held.value, train: held.value.train, version: held.version }
    const taken = await board.parts.intake.relying((relied, epoch) =>
      takeData(board, training, relied, epoch),
    )
    return taken || step(board, training)
  }
  await board.turns.take(id, async () => {
    while (await retrying(stepped));
  })
}

/** Whether there is another one to be made. */
async function step(board: Board, training: Training): Promise<boolean> {
  const { job, train } = training
  const idle = train.live.length === 0
  if (idle && train.done + train.failed === train.total) {
    if (!job.stop && (await replayGoesOn(board, training))) return true
    await board.parts.intake.relying(async relied =>
      finish(board, training, await outcomeOf(board, training), relied),
    )
  } else if (!job.stop) {
    return goOn(board, training)
  } else if (idle) {
    await finish(board, training, { state: 'JOB_KILLED', reason: job.stop.reason })
  }
  return false
}

async function goOn(board: Board, training: Training): Promise<boolean> {
  const { fresh } = training.job.replay ?? {}
  if (fresh?.image === null) return takeFresh(board, training, fresh)
  await start(board, training)
  return false
}

/** Its trials, once image and data are there. */
async function start(board: Board, training: Training): Promise<void> {
  const { job, train } = training
  const image = train.image ?? (await readPointer(board.parts.ledger, train.imagePointer))
  if (image === null) {
    const build = await readJob(board, job, train.build!)
    if (build && !isFinal(build.state)) return failedIngest(board, training)
    const reason = `the image could not be built: build job ${howEnded(build, train.build!)}`
    return finish(board, training, { state: 'JOB_FAILURE', reason })
  }
  if (train.data === null) return failedIngest(board, training)
  await release(board, training, image)
}

/** Plans the next runs of a replay; false when nothing is left to be learned. */
async function replayGoesOn(board: Board, { job, train, version }: Training): Promise<boolean> {
  if (!job.replay) return false
  const more = await runsToCome(board, job)
  if (more.length === 0) return false
  const plan = planFor(job.author, job.organisation)
  plan.expect.push({ record: keyOf.job(job.workspace, job.id), version })
  const replay = { ...job.replay, runs: [...job.replay.runs, ...more] }
  saveJob(board, plan, { ...job, replay, train: { ...train, total: replay.runs.length } })
  await carryOut(board, plan)
  return true
}

/** Takes the image whose packages were resolved anew; whether there is one now. */
async function takeFresh(
  board: Board,
  training: Training,
  fresh: NonNullable<ReplayPart['fresh']>,
): Promise<boolean> {
  const { job, version } = training
  const image = await readPointer(board.parts.ledger, fresh.pointer)
  if (image === null) {
    const build = await readJob(board, job, fresh.build)
    if (build && !isFinal(build.state)) return false
    const reason = `the packages could not be resolved anew: build job ${howEnded(build, fresh.build)}`
    await finish(board, training, { state: 'JOB_FAILURE', reason })
    return false
  }
  const plan = planFor(job.author, job.organisation)
  plan.expect.push({ record: keyOf.job(job.workspace, job.id), version })
  plan.records.push(forget(keyOf.waits(fresh.build, job.id)))
  saveJob(board, plan, { ...job, replay: { ...job.replay!, fresh: { ...fresh, image } } })
  await carryOut(board, plan)
  return true
}

/** Ends the training when the data it waits for will not come. */
async function failedIngest(board: Board, training: Training): Promise<void> {
  const { train, job } = training
  if (train.data !== null) return
  const ingest = await readJob(board, job, train.ingest!)
  if (ingest && !isFinal(ingest.state)) return
  const why = ingest?.reason ? ` (${ingest.reason})` : ''
  const reason = `the data could not be fetched: ingestion job ${howEnded(ingest, train.ingest!)}${why}`
  await finish(board, training, { state: 'JOB_FAILURE', reason })
}

/** Fixes the data once they are ingested; whether it did. From then on nothing changes them. */
async function takeData(
  board: Board,
  training: Training,
  relied: readonly Expectation[],
  epoch: number,
): Promise<boolean> {
  const { job, train, version } = training
  if (train.data !== null || job.stop) return false
  const { ledger, presence } = board.parts
  const { id, workspace } = job
  const made = (await readJob(board, job, train.ingest!))?.ingest?.data
  const data = made ? await ledger.node(made) : undefined
  if (!data) return false
  const lost = (await presence.lossOf(data, epoch)) ?? (await refusalOf(board.parts, job, [data]))
  if (lost) {
    await finish(board, training, { state: 'JOB_FAILURE', reason: lost.message })
    return true
  }
  const source = (await ledger.node(train.source))!
  const plan = planFor(board.parts.people.system.id, job.organisation, relied)
  plan.expect.push({ record: keyOf.job(workspace, id), version })
  plan.statements.push({
    type: 'train.data-ingested',
    workspace,
    edges: [{ from: id, relation: 'used', to: data.id, role: 'data' }],
    detail: { job: id, data: data.id, ingest: train.ingest },
  })
  plan.records.push(forget(keyOf.waits(train.ingest!, id)))
  const branch = branchOf(source, data, train.grid)
  const fingerprint = fingerprintOf(workspace, train.imagePointer, data.id, train.grid)
  saveJob(board, plan, { ...job, train: { ...train, data: data.id, branch, fingerprint } })
  await carryOut(board, plan)
  return true
}

async function readJob(
  board: Board,
  { workspace }: JobRecord,
  id: string,
): Promise<JobRecord | undefined> {
  return (await readRecord<JobRecord>(board.parts.ledger, keyOf.job(workspace, id)))?.value
}

function howEnded(job: JobRecord | undefined, id: string): string {
  const how = job?.state === 'JOB_KILLED' ? 'was killed' : 'failed'
  return `${id} ${how}; see: kaos train logs -j ${id}`
}

async function release(board: Board, training: Training, image: string): Promise<void> {
  const { job, train } = training
  const free = train.parallelism - train.live.length
  const count = Math.min(free, train.total - train.next)
  if (count <= 0 && train.image !== null) return
  const plan = planFor(job.author, job.organisation)
  const names = new Set<string>()
  for (let index = train.next; index < train.next + count; index++) {
    const trial = await newTrial(board, job, train, index, names)
    names.add(trial.modelId)
    const name = keyOf.modelName(job.workspace, trial.modelId)
    const work = {
      kind: 'trial',
      id: trial.id,
      workspace: job.workspace,
      job: job.id,
      index,
      needs: job.resources,
    } as const
    plan.expect.push(absent(name))
    plan.records.push(write(name, { trial: trial.id }), write(keyOf.trial(job.id, index), trial))
    makeReady(board, plan, work, job.started)
  }
  const released = Array.from({ length: count }, (_, step) => train.next + step)
  const live = [...train.live, ...released]
  plan.expect.push({ record: keyOf.job(job.workspace, job.id), version: training.version })
  if (train.build !== null) plan.records.push(forget(keyOf.waits(train.build, job.id)))
  saveJob(board, plan, { ...job, train: { ...train, image, live, next: train.next + count } })
  await carryOut(board, plan)
}

interface Outcome {
  readonly state: JobState
  readonly reason: string | null
  /** Of a replay that came to its end. */
  readonly verdict?: Conclusion
}

async function outcomeOf(board: Board, { job, train }: Training): Promise<Outcome> {
  if (job.replay) return replayOutcome(await conclude(board, job))
  if (train.failed === 0) return { state: 'JOB_SUCCESS', reason: null }
  for await (const { value } of recordsOf<TrialRecord>(board.parts.ledger, keyOf.trials(job.id))) {
    if (value.state !== 'JOB_FAILURE') continue
    if (train.total === 1) return { state: 'JOB_FAILURE', reason: value.reason }
    const reason = `${train.failed} of ${train.total} trials failed; the first: ${value.reason}`
    return { state: 'JOB_FAILURE', reason }
  }
  return { state: 'JOB_FAILURE', reason: `${train.failed} of ${train.total} trials failed` }
}

/** That a run failed which only looked for a cause does not make the replay fail. */
function replayOutcome(verdict: Conclusion): Outcome {
  const { verdict: is, reason } = verdict.view
  if (is !== 'failed') return { state: 'JOB_SUCCESS', reason: null, verdict }
  return { state: 'JOB_FAILURE', reason: `the replay did not come to its end: ${reason}`, verdict }
}

/** `relied`: what must hold for the content that the outcome speaks of (parts.intake). */
async function finish(
  board: Board,
  training: Training,
  outcome: Outcome,
  relied: readonly Expectation[] = [],
): Promise<void> {
  const { job, train, version } = training
  const { state, reason } = outcome
  const plan = planFor(board.parts.people.system.id, job.organisation, relied)
  const pointer = outcomePointer(job.id)
  plan.expect.push({ record: keyOf.job(job.workspace, job.id), version }, { pointer, target: null })
  const moves: Move[] = [{ pointer, target: state }]
  const { done, failed, total } = train
  const detail = { job: job.id, reason, done, failed, total }
  const common = { workspace: job.workspace, moves, detail }
  const { verdict } = outcome
  if (job.replay) {
    const { nodes = [], edges = [] } = verdict ?? {}
    plan.statements.push({ type: 'replay.finished', ...common, nodes, edges })
  } else {
    if (state === 'JOB_SUCCESS' && train.fingerprint !== '')
      moves.push({ pointer: train.fingerprint, target: job.id })
    plan.statements.push({ type: 'train.finished', ...common })
  }
  plan.records.push(forget(keyOf.open(job.workspace, job.id)))
  if (train.build !== null) plan.records.push(forget(keyOf.waits(train.build, job.id)))
  if (train.ingest) plan.records.push(forget(keyOf.waits(train.ingest, job.id)))
  const replay = verdict && { replay: verdict.replay }
  saveJob(board, plan, { ...job, ...replay, state, reason, finished: timeOf(board) })
  await carryOut(board, plan)
}
