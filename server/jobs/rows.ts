/** A job as a line of a listing. */
import type { Progress } from '../../api/attempts.ts'
import type { JobRow } from '../../api/wire.ts'
import type { People } from '../parts.ts'
import type { Board } from './board.ts'
import { isFinal, type JobRecord, type ReplayPart } from './records.ts'

/** What workers last told of a job and no record holds. */
export interface Now {
  /** How far the attempt at an ingestion is. */
  readonly progress?: Progress | undefined
  /** Why a program does not run yet. */
  readonly waiting?: string | undefined
}

export function nowOf({ live }: Board, { id, ingest, state }: JobRecord): Now {
  const progress = ingest?.attempt ? live.get(ingest.attempt)?.progress : undefined
  if (state !== 'JOB_STARTING' && state !== 'JOB_RUNNING') return { progress }
  const held = live.all().find(({ record, waiting }) => waiting && record.work.job === id)
  return { progress, waiting: held?.waiting }
}

export async function rowOf(
  people: Pick<People, 'nameOf'>,
  job: JobRecord,
  now: Now = {},
): Promise<JobRow> {
  const final = isFinal(job.state)
  const { train, ingest, replay } = job
  return {
    jobId: job.id,
    kind: job.kind,
    state: job.state,
    started: job.started,
    finished: job.finished,
    duration: job.finished === null ? null : secondsBetween(job.started, job.finished),
    hyperopt: final && train ? train.grid !== null : null,
    author: await people.nameOf(job.author),
    reason: final ? job.reason : waitingFor(job, now),
    ...(ingest ? { progress: now.progress ?? ingest.progress } : {}),
    ...(train ? { progress: { done: train.done, failed: train.failed, total: train.total } } : {}),
    ...(replay && { replay: replayed(replay) }),
  }
}

function replayed({ of, verdict }: ReplayPart): NonNullable<JobRow['replay']> {
  return { of: of.job, modelId: of.modelId, verdict: verdict?.is ?? null }
}

export function secondsBetween(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000))
}

function waitingFor(job: JobRecord, { waiting }: Now): string | null {
  if (job.stop) return 'it is being stopped'
  if (waiting !== undefined) return waiting
  const { train, replay } = job
  if (replay?.fresh && replay.fresh.image === null) {
    return `it waits for build job ${replay.fresh.build}`
  }
  if (train && train.image === null) return `it waits for build job ${train.build}`
  if (train && train.data === null) return `it waits for ingestion job ${train.ingest}`
  return job.state === 'JOB_STARTING' ? 'it waits for a worker' : null
}
