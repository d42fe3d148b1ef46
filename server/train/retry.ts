/* Trials that did not succeed, run again alone. What has finished stays as it is: the trials run in a
 * job of their own, with exactly the inputs and the image of the old one, which was informed by it. What
 * succeeded there is not run again and stays there; the new job says where. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { JobState, RetryAccepted, RetryRequest } from '../../api/wire.ts'
import type { Expectation, Node } from '../../graph/ledger.ts'
import { pointOf } from '../attempts/orders.ts'
import { type Board, carryOut, planFor, startingJob } from '../jobs/board.ts'
import { findJob } from '../jobs/find.ts'
import { madeBefore, noteMade } from '../jobs/once.ts'
import { readRecord, retrying } from '../jobs/reading.ts'
import { isFinal, type JobRecord, keyOf, type TrainPart } from '../jobs/records.ts'
import { rowOf } from '../jobs/rows.ts'
import { trialsOf } from '../jobs/view.ts'
import type { Workspace } from '../parts.ts'
import { requireClean } from '../quarantine/clean.ts'
import { advance } from './advance.ts'
import { planBranch } from './branch.ts'
import { planJob } from './new-job.ts'

interface Old {
  readonly job: JobRecord
  readonly train: TrainPart
  /** Points of the grid, to be run again. */
  readonly points: readonly number[]
  readonly kept: number
}

export async function retryTraining(
  board: Board,
  { actor, once }: { actor: Actor; once: string | undefined },
  workspace: Workspace,
  asked: { readonly job: string; readonly request: RetryRequest },
): Promise<RetryAccepted> {
  const old = await oldOf(board, workspace, asked.job, asked.request.failed ?? false)
  const resources = { ...old.job.resources, ...asked.request.resources }
  const unready = board.workers.require(resources)
  const { parallelism = old.train.parallelism } = asked.request
  const wish = { actor, once, workspace, old, with: { resources, parallelism } }
  const made = await board.parts.intake.relying((relied, epoch) =>
    retrying(() => submit(board, wish, relied, epoch)),
  )
  await advance(board, workspace.id, made.job.id)
  const { points, kept } = old
  const job = await rowOf(board.parts.people, made.job)
  return {
    job,
    of: old.job.id,
    trials: [...points],
    kept,
    warnings: [...made.warnings, ...unready],
  }
}

/** `failed`: only those that failed by themselves, not those that were killed or never began. */
async function oldOf(
  board: Board,
  workspace: Workspace,
  text: string,
  failed: boolean,
): Promise<Old> {
  const { value: job } = await findJob(board, workspace, text)
  const { id, train } = job
  if (!train || job.kind !== 'train') {
    throw new KaosError('JOB_NOT_FOUND', `job ${id} is no training; see: kaos train list`)
  }
  if (!isFinal(job.state)) {
    const next = `wait for its end (kaos train watch -j ${id}) or end it: kaos train kill -j ${id}`
    throw new KaosError('JOB_RUNNING', `job ${id} is in ${job.state}; ${next}`)
  }
  if (train.image === null || train.data === null) {
    const what = train.image === null ? 'its image was not built' : 'its data were not fetched'
    const next = 'mend that, then deploy again: kaos train deploy'
    throw new KaosError('BAD_REQUEST', `job ${id} has no trials to run again: ${what}; ${next}`)
  }
  const states = new Map((await trialsOf(board, id)).map(trial => [trial.index, trial.state]))
  const all = Array.from({ length: train.total }, (_, index) => index)
  const points = all.filter(index => isWanted(states.get(index), failed))
  if (points.length === 0) {
    const what = failed ? 'trial that failed' : 'trial without success'
    const next = 'to train anew: kaos train deploy --again'
    throw new KaosError('BAD_REQUEST', `job ${id} has no ${what}; ${next}`)
  }
  const kept = all.filter(index => states.get(index) === 'JOB_SUCCESS').length
  return { job, train, points: points.map(index => pointOf(train, index)), kept }
}

function isWanted(state: JobState | undefined, failed: boolean): boolean {
  return failed ? state === 'JOB_FAILURE' : state !== 'JOB_SUCCESS'
}

interface Wish {
  readonly actor: Actor
  readonly once: string | undefined
  readonly workspace: Workspace
  readonly old: Old
  readonly with: Pick<JobRecord, 'resources'> & Pick<TrainPart, 'parallelism'>
}

interface Made {
  readonly job: JobRecord
  readonly warnings: readonly string[]
}

async function submit(
  board: Board,
  wish: Wish,
  relied: readonly Expectation[],
  epoch: number,
): Promise<Made> {
  const { ledger } = board.parts
  const { actor, once, workspace, old } = wish
  const noted = await madeBefore<{ job: string }>(ledger, once)
  if (noted) {
    const job = await readRecord<JobRecord>(ledger, keyOf.job(workspace.id, noted.job))
    return { job: job!.value, warnings: [] }
  }
  const clean = await requireClean(board.parts, workspace, await inputsOf(board, old.train, epoch))
  const plan = planFor(actor.id, workspace.organisation, relied)
  plan.expect.push(clean.expect)
  const job = jobOf(board, wish)
  planJob(board, plan, job, undefined, undefined)
  await planBranch(board, plan, job, old.job.id)
  noteMade(board, plan, once, { job: job.id })
  await carryOut(board, plan)
  return { job, warnings: clean.warnings }
}

/** All that it takes, each with its content here: what is missing is named. */
async function inputsOf(
  { parts: { ledger, presence } }: Board,
  { source, data, hyper, image }: TrainPart,
  epoch: number,
): Promise<Node[]> {
  const ids = [source, data, hyper, image].filter(id => id !== null)
  const nodes = (await Promise.all(ids.map(id => ledger.node(id)))).filter(node => !!node)
  for (const node of nodes) await presence.require(node, epoch)
  return nodes
}

function jobOf(board: Board, { actor, workspace, old, with: chosen }: Wish): JobRecord {
  const { job, train, points } = old
  return {
    ...startingJob(board, workspace, 'train', actor.id),
    resources: chosen.resources,
    train: {
      ...train,
      ingest: null,
      build: null,
      total: points.length,
      done: 0,
      failed: 0,
      next: 0,
      live: [],
      parallelism: chosen.parallelism,
      // It is a part of a grid: whoever deploys the whole is not answered with it.
      fingerprint: '',
      points: [...points],
      retryOf: job.id,
    },
  }
}
