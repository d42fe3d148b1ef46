/* A replay becomes facts, in one commit: the job with exactly the inputs of the original, and the
 * build when packages are to be resolved anew. It moves no pointer that a deploy moves: inputs in
 * force, images and models stay what they are. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { ReplayAccepted, ReplayRequest } from '../../api/wire.ts'
import type { Expectation, NewEdge, Node } from '../../graph/ledger.ts'
import { pointOf } from '../attempts/orders.ts'
import { type Board, carryOut, type Plan, planFor, saveJob, startingJob } from '../jobs/board.ts'
import { planBuild } from '../jobs/images.ts'
import { madeBefore, noteMade } from '../jobs/once.ts'
import { readRecord, retrying, write } from '../jobs/reading.ts'
import { type JobRecord, keyOf, type ReplayPart } from '../jobs/records.ts'
import { rowOf } from '../jobs/rows.ts'
import type { Workspace } from '../parts.ts'
import { requireClean } from '../quarantine/clean.ts'
import { advance } from '../train/advance.ts'
import { type Original, originalOf } from './original.ts'
import { firstRuns } from './runs.ts'
import { replayedModel } from './view.ts'

interface Wish {
  readonly actor: Actor
  readonly workspace: Workspace
  readonly request: ReplayRequest
  readonly original: Original
  readonly once: string | undefined
}

interface Made {
  readonly job: JobRecord
  readonly build: JobRecord | undefined
  readonly warnings: readonly string[]
}

/** Runs at a time: as few as do not keep people waiting. */
const AT_ONCE = 2

export async function submitReplay(
  board: Board,
  actor: Actor,
  workspace: Workspace,
  request: ReplayRequest,
  once?: string,
): Promise<ReplayAccepted> {
  const original = await originalOf(board, workspace, request)
  requireKnown(original, request)
  const unready = board.workers.require(original.job.resources)
  const wish = { actor, workspace, request, original, once }
  const { job, build, warnings } = await board.parts.intake.relying((relied, epoch) =>
    retrying(() => submit(board, wish, relied, epoch)),
  )
  await advance(board, workspace.id, job.id)
  const { people } = board.parts
  return {
    job: await rowOf(people, job),
    of: replayedModel(job.replay!),
    build: build ? await rowOf(people, build) : null,
    warnings: [...warnings, ...unready],
  }
}

/** Metrics that a tolerance names. */
function requireKnown({ model, trial }: Original, { tolerance = {} }: ReplayRequest): void {
  const available = Object.keys(trial.metrics).sort()
  for (const name of Object.keys(tolerance)) {
    if (name === '*' || available.includes(name)) continue
    const list = available.length === 0 ? 'it has none' : `it has ${available.join(', ')}`
    const message = `model ${model.name} has no metric "${name}"; ${list}`
    throw new KaosError('METRIC_NOT_FOUND', message, { detail: { available } })
  }
}

type Noted = { job: string; build: string | null }

async function submit(
  board: Board,
  wish: Wish,
  relied: readonly Expectation[],
  epoch: number,
): Promise<Made> {
  const { ledger } = board.parts
  const { actor, workspace, once } = wish
  const noted = await madeBefore<Noted>(ledger, once)
  if (noted) return before(board, workspace, noted)
  const inputs = await inputsOf(board, wish, epoch)
  const clean = await requireClean(board.parts, workspace, inputs)
  const plan = planFor(actor.id, workspace.organisation, relied)
  plan.expect.push(clean.expect)
  const { job, build } = await planReplay(board, plan, wish)
  noteMade(board, plan, once, { job: job.id, build: build?.id ?? null })
  await carryOut(board, plan)
  return { job, build, warnings: clean.warnings }
}

async function before(board: Board, { id }: Workspace, noted: Noted): Promise<Made> {
  const read = async (job: string) =>
    (await readRecord<JobRecord>(board.parts.ledger, keyOf.job(id, job)))?.value
  const build = noted.build === null ? undefined : await read(noted.build)
  return { job: (await read(noted.job))!, build, warnings: [] }
}

/** All that it takes, each with its content here: what is missing is named. */
async function inputsOf(board: Board, wish: Wish, epoch: number): Promise<Node[]> {
  const { ledger, presence, settings } = board.parts
  const { train, model } = wish.original
  const ids = [train.source, train.data, train.hyper, train.image]
  const nodes: Node[] = []
  for (const id of ids) {
    const node = id === null ? undefined : await ledger.node(id)
    if (!node) continue
    await presence.require(node, epoch)
    nodes.push(node)
  }
  const { runner } = nodes.find(({ kind }) => kind === 'image')?.attributes ?? {}
  if (runner === undefined || runner === settings.runner) return nodes
  const message =
    `model ${model.name} was trained by the ${String(runner)} runner, and this server runs jobs ` +
    `with ${settings.runner}; start it with KAOS_RUNNER=${String(runner)} to run it again`
  throw new KaosError('RUNNER_UNAVAILABLE', message)
}

async function planReplay(board: Board, plan: Plan, wish: Wish) {
  const { workspace, original, request } = wish
  const start = startingJob(board, workspace, 'replay', wish.actor.id)
  const { id } = start
  const build = request.fresh ? await planFresh(board, plan, wish, id) : undefined
  const replay = partOf(wish, build)
  const { train } = original
  const job: JobRecord = {
    ...start,
    resources: original.job.resources,
    replay,
    train: {
      ...train,
      ingest: null,
      build: build?.id ?? null,
      total: replay.runs.length,
      done: 0,
      failed: 0,
      next: 0,
      live: [],
      parallelism: AT_ONCE,
      fingerprint: '',
      point: replay.of.index,
    },
  }
  plan.statements.push({
    type: 'replay.submitted',
    workspace: workspace.id,
    nodes: [
      { id, class: 'activity', kind: 'replay', workspace: workspace.id, attributes: told(job) },
    ],
    edges: edgesOf(job, build),
  })
  plan.records.push(write(keyOf.open(workspace.id, id), {}))
  if (build) plan.records.push(write(keyOf.waits(build.id, id), { workspace: workspace.id }))
  saveJob(board, plan, job)
  return { job, build }
}

async function planFresh(board: Board, plan: Plan, { workspace, original }: Wish, job: string) {
  const { ledger } = board.parts
  const source = (await ledger.node(original.train.source))!
  const name = (await ledger.node(original.train.image!))!.name!
  // Found by nobody else: a training goes on with the image that it had.
  const pointer = `image-fresh/${workspace.id}/${job}`
  return planBuild(board, plan, workspace, 'train', source, { pointer, name, fresh: true })
}

function partOf({ request, original }: Wish, build: JobRecord | undefined): ReplayPart {
  const { job, train, trial, model, startedAt } = original
  const { times = 1, tolerance = {}, explain = 'unlike', keep = false } = request
  const fresh = build ? { pointer: build.build!.imagePointer, build: build.id, image: null } : null
  return {
    of: {
      job: job.id,
      trial: trial.id,
      index: pointOf(train, trial.index),
      model: model.id,
      modelId: model.name ?? trial.modelId,
      tree: model.digest!,
      metrics: trial.metrics,
      output: job.replay?.of.output ?? trial.output,
      startedAt,
    },
    times,
    tolerance,
    explain,
    keep,
    runs: firstRuns({ times, fresh }),
    fresh,
    verdict: null,
  }
}

function told({ replay, resources }: JobRecord) {
  const { of, times, tolerance, fresh } = replay!
  const { job, trial, model, modelId, index } = of
  return { of: { job, trial, model, modelId, index }, times, tolerance, fresh: !!fresh, resources }
}

function edgesOf(
  { id, train, replay, author }: JobRecord,
  build: JobRecord | undefined,
): NewEdge[] {
  const { source, data, hyper, image } = train!
  const used = (to: string, role: string) => ({ from: id, relation: 'used', to, role }) as const
  const informed = (to: string) => ({ from: id, relation: 'wasInformedBy', to }) as const
  return [
    used(source, 'code'),
    used(data!, 'data'),
    ...(hyper ? [used(hyper, 'hyperparams')] : []),
    used(image!, 'image'),
    used(replay!.of.model, 'original'),
    informed(replay!.of.job),
    ...(build ? [informed(build.id)] : []),
    { from: id, relation: 'wasAssociatedWith', to: author },
  ]
}
