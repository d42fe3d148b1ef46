/* The jobs of a workspace, newest first. Builds and ingestions are listed until they succeed: one that
 * failed or was killed stays, also when others came after it. */
import type { JobRow, ServeList, TrainList } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { recordsOf } from '../jobs/reading.ts'
import type { JobKind, JobRecord } from '../jobs/records.ts'
import { nowOf, rowOf } from '../jobs/rows.ts'

export async function listTraining(board: Board, workspace: string): Promise<TrainList> {
  const jobs = await jobsOf(board, workspace)
  return {
    ingesting: await rows(board, unfinished(jobs, 'ingest')),
    building: await rows(board, unfinished(jobs, 'build-train')),
    training: await rows(
      board,
      jobs.filter(job => job.kind === 'train'),
    ),
    replaying: await rows(
      board,
      jobs.filter(job => job.kind === 'replay'),
    ),
  }
}

export async function listServeBuilds(
  board: Board,
  workspace: string,
): Promise<ServeList['building']> {
  return rows(board, unfinished(await jobsOf(board, workspace), 'build-serve'))
}

/** All of a workspace, newest first. */
export async function jobsOf(board: Board, workspace: string): Promise<JobRecord[]> {
  const jobs: JobRecord[] = []
  const records = recordsOf<JobRecord>(board.parts.ledger, `job/${workspace}/`)
  for await (const { value } of records) jobs.push(value)
  return jobs.reverse()
}

function unfinished(jobs: readonly JobRecord[], kind: JobKind): JobRecord[] {
  // One that was started for a replay is told of by the replay.
  return jobs.filter(
    job => job.kind === kind && job.state !== 'JOB_SUCCESS' && !job.build?.work.fresh,
  )
}

async function rows(board: Board, jobs: readonly JobRecord[]): Promise<JobRow[]> {
  const names = new Map<string, Promise<string>>()
  const nameOf = (agent: string): Promise<string> => {
    const name = names.get(agent) ?? board.parts.people.nameOf(agent)
    names.set(agent, name)
    return name
  }
  return Promise.all(jobs.map(job => rowOf({ nameOf }, job, nowOf(board, job))))
}
