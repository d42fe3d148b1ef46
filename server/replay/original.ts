/** The model that is to be run again, with all that it was made of. */
import { KaosError } from '../../api/errors.ts'
import type { ReplayRequest } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { findJob } from '../jobs/find.ts'
import { readRecord } from '../jobs/reading.ts'
import { type JobRecord, keyOf, type TrainPart, type TrialRecord } from '../jobs/records.ts'
import { findModel } from '../models/find.ts'
import type { Workspace } from '../parts.ts'

export interface Original {
  readonly job: JobRecord
  readonly train: TrainPart
  readonly trial: TrialRecord
  readonly model: Node
  readonly startedAt: string
}

export async function originalOf(
  board: Board,
  workspace: Workspace,
  { model, job, trial }: ReplayRequest,
): Promise<Original> {
  if ((model === undefined) === (job === undefined)) {
    throw new KaosError('BAD_REQUEST', 'name either a model or the job that made it')
  }
  return model === undefined
    ? trialOf(board, await trainingOf(board, workspace, job!), trial)
    : modelOf(board, workspace, model)
}

/** The training, also by a replay of it that somebody names. */
export async function trainingOf(
  board: Board,
  workspace: Workspace,
  text: string,
): Promise<JobRecord> {
  const { value } = await findJob(board, workspace, text)
  if (value.replay) {
    const next = `what it runs again is ${value.replay.of.job}`
    throw new KaosError('BAD_REQUEST', `job ${value.id} is a replay; ${next}`)
  }
  if (value.train) return value
  throw new KaosError('JOB_NOT_FOUND', `job ${value.id} is no training; see: kaos train list`)
}

/** The trial that is meant, where a job has several. */
export function trialIndex({ id, train }: JobRecord, asked: number | undefined): number {
  const { total } = train!
  if (asked === undefined && total > 1) {
    const next = `name one with --trial 0 to ${total - 1}, or its model with -m`
    throw new KaosError('BAD_REQUEST', `job ${id} has ${total} trials; ${next}`)
  }
  const index = asked ?? 0
  if (index < total) return index
  throw new KaosError('BAD_REQUEST', `job ${id} has no trial ${index}; it has 0 to ${total - 1}`)
}

async function trialOf(board: Board, job: JobRecord, asked: number | undefined): Promise<Original> {
  const index = trialIndex(job, asked)
  const { ledger } = board.parts
  const trial = (await readRecord<TrialRecord>(ledger, keyOf.trial(job.id, index)))?.value
  const model = trial?.model ? await ledger.node(trial.model) : undefined
  if (trial && model) return withStart(board, job, trial, model)
  const state = trial ? `it is in ${trial.state}` : 'it has not run'
  const what = job.train!.total > 1 ? `trial ${index} of job ${job.id}` : `job ${job.id}`
  throw new KaosError('MODEL_NOT_FOUND', `${what} has no model to compare with: ${state}`)
}

async function modelOf(board: Board, workspace: Workspace, text: string): Promise<Original> {
  const { ledger, partOf } = board.parts
  const model = await findModel(ledger, workspace, text, partOf)
  const { job: id, trial: made } = model.attributes
  const job =
    typeof id === 'string'
      ? (await readRecord<JobRecord>(ledger, keyOf.job(workspace.id, id)))?.value
      : undefined
  const activity = typeof made === 'string' ? await ledger.node(made) : undefined
  const index = Number(activity?.attributes.index)
  const key = job?.train && activity ? keyOf.trial(job.id, index) : undefined
  const trial = key && (await readRecord<TrialRecord>(ledger, key))?.value
  if (job && trial) return withStart(board, job, trial, model)
  const message = `model ${model.name ?? model.id} was pushed, not trained here: nothing can be run again`
  throw new KaosError('BAD_REQUEST', message)
}

async function withStart(
  { parts }: Board,
  job: JobRecord,
  trial: TrialRecord,
  model: Node,
): Promise<Original> {
  const started = (await parts.ledger.node(trial.id))?.attributes.startedAt
  const startedAt = typeof started === 'string' ? started : model.at
  return { job, train: job.train!, trial, model, startedAt }
}
