/* Ending a job before its time. What nobody holds ends at once; what somebody holds is asked to
 * stop, and has its outcome when the worker says so or is lost. The record stays. */
import { KaosError } from '../../api/errors.ts'
import { finishBuild } from '../attempts/build-end.ts'
import { followBuild } from '../attempts/follow.ts'
import { finishIngest } from '../attempts/ingest-end.ts'
import { advance } from '../train/advance.ts'
import { type Board, carryOut, type Plan, planFor, saveJob, takeBack, timeOf } from './board.ts'
import { type Held, readRecord, retrying, same, write } from './reading.ts'
import { isFinal, type JobRecord, keyOf, type TrialRecord } from './records.ts'

export interface Killing {
  /** Agent who asks. */
  readonly by: string
  readonly reason: string | null
}

/** The job as it stands afterwards. JOB_NOT_RUNNING when it has its outcome. */
export async function killJob(
  board: Board,
  { workspace, id }: Pick<JobRecord, 'workspace' | 'id'>,
  killing: Killing,
): Promise<JobRecord> {
  const read = async (): Promise<Held<JobRecord>> =>
    (await readRecord<JobRecord>(board.parts.ledger, keyOf.job(workspace, id)))!
  await board.turns.take(id, () => retrying(async () => ask(board, await read(), killing)))
  await advance(board, workspace, id)
  const { value } = await read()
  if (!value.train && isFinal(value.state)) await followBuild(board, workspace, id)
  return value
}

async function ask(board: Board, held: Held<JobRecord>, { by, reason }: Killing): Promise<void> {
  const job = held.value
  if (isFinal(job.state)) {
    throw new KaosError('JOB_NOT_RUNNING', `Job is not running, id: ${job.id}`)
  }
  if (job.stop) return
  const plan = planFor(by, job.organisation)
  plan.expect.push(same(held))
  plan.statements.push({
    type: 'job.stop-asked',
    workspace: job.workspace,
    detail: { job: job.id, reason },
  })
  const stopped = { ...job, stop: { by, reason, at: timeOf(board) } }
  if (job.train) await stopTrials(board, plan, stopped)
  else stopOnly(board, plan, stopped)
  await carryOut(board, plan)
}

async function stopTrials(board: Board, plan: Plan, job: JobRecord): Promise<void> {
  const train = job.train!
  const held: number[] = []
  for (const index of train.live) {
    const record = await readRecord<TrialRecord>(board.parts.ledger, keyOf.trial(job.id, index))
    const trial = record!.value
    plan.expect.push(same(record!))
    if (trial.attempt !== null) {
      held.push(index)
      const { attempt } = trial
      plan.after.push(() => board.live.askToStop(attempt))
      continue
    }
    const { id } = trial
    const work = { kind: 'trial', id, workspace: job.workspace, job: job.id, index } as const
    takeBack(board, plan, work, job.started)
    const reason = job.stop!.reason
    plan.records.push(write(record!.key, { ...trial, state: 'JOB_KILLED', reason }))
  }
  saveJob(board, plan, { ...job, train: { ...train, live: held } })
}

/** A build or an ingestion: one piece of work. */
function stopOnly(board: Board, plan: Plan, job: JobRecord): void {
  const { attempt } = (job.build ?? job.ingest)!
  if (attempt !== null) {
    plan.after.push(() => board.live.askToStop(attempt))
    saveJob(board, plan, job)
    return
  }
  const kind = job.build ? 'build' : 'ingest'
  const work = { kind, id: job.id, workspace: job.workspace, job: job.id } as const
  takeBack(board, plan, work, job.started)
  const killed: JobRecord = {
    ...job,
    state: 'JOB_KILLED',
    finished: timeOf(board),
    reason: job.stop!.reason,
  }
  const finish = job.build ? finishBuild : finishIngest
  finish(board, plan, killed, { facts: { nodes: [], edges: [] }, moves: [], detail: {} })
}
