/** A job as a line of a listing. */
import type { JobRow } from '../../api/wire.ts'
import type { People } from '../parts.ts'
import { isFinal, type JobRecord } from './records.ts'

export async function rowOf(people: Pick<People, 'nameOf'>, job: JobRecord): Promise<JobRow> {
  const final = isFinal(job.state)
  const { train } = job
  return {
    jobId: job.id,
    kind: job.kind,
    state: job.state,
    started: job.started,
    finished: job.finished,
    duration: job.finished === null ? null : secondsBetween(job.started, job.finished),
    hyperopt: final && train ? train.grid !== null : null,
    author: await people.nameOf(job.author),
    reason: final ? job.reason : waitingFor(job),
    ...(train ? { progress: { done: train.done, failed: train.failed, total: train.total } } : {}),
  }
}

export function secondsBetween(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000))
}

function waitingFor(job: JobRecord): string | null {
  if (job.stop) return 'it is being stopped'
  if (job.train && job.train.image === null) return `it waits for build job ${job.train.build}`
  return job.state === 'JOB_STARTING' ? 'it waits for a worker' : null
}
