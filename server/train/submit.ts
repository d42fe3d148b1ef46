/* A train request becomes facts, in one commit: the inputs now in force, the build that is needed,
 * and the job with exactly its inputs. What comes later never changes a job's inputs. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { type Grid, gridText, parseGrid } from '../../api/grid.ts'
import type { TrainAccepted, TrainRequest } from '../../api/wire.ts'
import type { Expectation, NewNode, Node } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import { type Board, carryOut, type Plan, planFor } from '../jobs/board.ts'
import { findJob } from '../jobs/find.ts'
import { needImage } from '../jobs/images.ts'
import { madeBefore, noteMade } from '../jobs/once.ts'
import { readPointer, readRecord, retrying } from '../jobs/reading.ts'
import { type JobRecord, keyOf } from '../jobs/records.ts'
import { rowOf } from '../jobs/rows.ts'
import type { Workspace } from '../parts.ts'
import { type Clean, requireClean } from '../quarantine/clean.ts'
import { advance } from './advance.ts'
import { askedManifest } from './asked-manifest.ts'
import { planBranch } from './branch.ts'
import { findBundle } from './bundles.ts'
import { needData, planManifest, type SentManifest } from './data.ts'
import { fingerprintOf } from './fingerprint.ts'
import { changesOf, inputsView, readTargets, resourcesOf, type Targets } from './inputs.ts'
import { newJob, planJob } from './new-job.ts'

/** What a request asks for, resolved. */
interface Wish {
  readonly actor: Actor
  readonly workspace: Workspace
  readonly request: TrainRequest
  readonly source: Node | undefined
  readonly data: Node | undefined
  readonly manifest: SentManifest | undefined
  readonly grid: Grid | undefined
  /** Job that it says it was made from. */
  readonly from: string | undefined
  /** Record for what this call makes, when it has an Idempotency-Key. */
  readonly once: string | undefined
}

/** What came of it. */
interface Result {
  readonly targets: Targets
  readonly build: JobRecord | undefined
  readonly ingest: JobRecord | undefined
  readonly job: JobRecord | undefined
  readonly unchanged: boolean
  /** Inputs that are much like something quarantined, and workers that are not there. */
  readonly notes?: readonly string[]
}

export async function submitTraining(
  board: Board,
  actor: Actor,
  workspace: Workspace,
  request: TrainRequest,
  once?: string,
): Promise<TrainAccepted> {
  const wish = { ...(await wishOf(board, actor, workspace, request)), once }
  const result = await board.parts.intake.relying((relied, epoch) =>
    board.turns.take(`submit/${workspace.id}`, () =>
      retrying(() => submit(board, wish, relied, epoch)),
    ),
  )
  if (result.job && !result.unchanged) await advance(board, workspace.id, result.job.id)
  const { people } = board.parts
  return {
    inputs: await inputsView(board, workspace, result.targets),
    grid: wish.grid ? { hash: wish.grid.hash, points: [...wish.grid.points] } : null,
    build: result.build ? await rowOf(people, result.build) : null,
    ...manifestView(wish, result),
    ingest: result.ingest ? await rowOf(people, result.ingest) : null,
    job: result.job ? await rowOf(people, result.job) : null,
    unchanged: result.unchanged,
    warnings: warningsOf(request, wish.grid, result),
  }
}

function manifestView(
  { manifest: sent }: Pick<Wish, 'manifest'>,
  { ingest }: Result,
): Pick<TrainAccepted, 'manifest'> {
  if (!sent) return {}
  const { hash, files } = sent.manifest
  return { manifest: { name: `manifest:${hash}`, files: files.length, unchanged: !ingest } }
}

async function wishOf(
  board: Board,
  actor: Actor,
  workspace: Workspace,
  request: TrainRequest,
): Promise<Omit<Wish, 'once'>> {
  const { ledger, partOf } = board.parts
  const { source, data, hyperparams, hyperparamsText, again } = request
  const { manifest, manifestFile } = request
  const sent = [source, data, manifest, manifestFile, hyperparams, hyperparamsText]
  if (!again && sent.every(part => part === undefined)) {
    const what = 'a source bundle, a data bundle, a manifest or hyperparameters'
    throw new KaosError('BAD_REQUEST', `give ${what}`)
  }
  const asked = await askedManifest(board, actor, workspace, request)
  const text = hyperparamsText ?? (hyperparams && gridText(hyperparams))
  const find = async (kind: 'train-source' | 'data', name: string | undefined) =>
    name === undefined ? undefined : findBundle(ledger, workspace, kind, name, partOf)
  return {
    actor,
    workspace,
    request,
    grid: text === undefined ? undefined : parseGrid(text),
    source: await find('train-source', source),
    data: await find('data', data),
    manifest: asked,
    from: request.from === undefined ? undefined : await trainingOf(board, workspace, request.from),
  }
}

async function trainingOf(board: Board, workspace: Workspace, text: string): Promise<string> {
  const { value } = await findJob(board, workspace, text)
  if (value.train) return value.id
  throw new KaosError('JOB_NOT_FOUND', `job ${value.id} is no training; see: kaos train list`)
}

async function submit(
  board: Board,
  wish: Wish,
  relied: readonly Expectation[],
  epoch: number,
): Promise<Result> {
  const { ledger, presence } = board.parts
  const { workspace, grid, once } = wish
  const before = await readTargets(ledger, workspace.id)
  const made = await madeBefore<Made>(ledger, once)
  if (made) return resultOf(board, workspace, before, made)
  const resources = { ...resourcesOf(before), ...wish.request.resources }
  const unready = board.workers.require(resources)
  const plan = planFor(wish.actor.id, workspace.organisation, relied)
  const hyper = grid ? await hyperparameters(board, plan, workspace, grid) : null
  const manifest = wish.manifest && (await planManifest(board, plan, workspace, wish.manifest))
  const targets: Targets = {
    source: wish.source?.id ?? before.source,
    data: wish.data?.id ?? manifest ?? before.data,
    hyper: hyper?.id ?? null,
    resources: Object.keys(resources).length === 0 ? null : JSON.stringify(resources),
    parallelism: wish.request.parallelism?.toString() ?? before.parallelism,
  }
  const { moves, expect } = changesOf(workspace.id, before, targets)
  plan.expect.push(...expect)
  if (moves.length > 0) {
    plan.statements.push({ type: 'inputs.changed', workspace: workspace.id, moves })
  }
  for (const id of [targets.source, targets.data]) {
    const input = id === null ? undefined : await ledger.node(id)
    if (input) await presence.require(input, epoch)
  }
  const result = await started(board, plan, wish, targets)
  const clean = await cleanInputs(board, workspace, targets, result)
  plan.expect.push(clean.expect)
  if (plan.statements.length > 0) {
    const { build, ingest, job, unchanged } = result
    const ids = { build: build?.id ?? null, ingest: ingest?.id ?? null, job: job?.id ?? null }
    noteMade(board, plan, once, { ...ids, unchanged })
    await carryOut(board, plan)
  }
  return { ...result, notes: [...clean.warnings, ...(result.job ? unready : [])] }
}

/** QUARANTINED when one of them is. */
async function cleanInputs(
  { parts }: Board,
  workspace: Workspace,
  { source, data, hyper }: Targets,
  { job }: Result,
): Promise<Clean> {
  const ids = [source, data, hyper, job?.train?.image].filter(id => typeof id === 'string')
  const nodes = await Promise.all(ids.map(id => parts.ledger.node(id)))
  return requireClean(parts, workspace, nodes)
}

/** What a call noted of itself. */
type Made = { build: string | null; ingest: string | null; job: string | null; unchanged: boolean }

async function resultOf(
  { parts }: Board,
  workspace: Workspace,
  targets: Targets,
  { build, ingest, job, unchanged }: Made,
): Promise<Result> {
  const recordOf = async (id: string | null) =>
    id === null
      ? undefined
      : (await readRecord<JobRecord>(parts.ledger, keyOf.job(workspace.id, id)))?.value
  const jobs = await Promise.all([recordOf(build), recordOf(ingest), recordOf(job)])
  return { targets, build: jobs[0], ingest: jobs[1], job: jobs[2], unchanged }
}

/** The entity of the grid, the same one for the same text. */
async function hyperparameters(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  grid: Grid,
): Promise<{ id: string }> {
  const { ledger, store } = board.parts
  const pointer = `grid/${workspace.id}/${grid.digest.slice('sha256:'.length)}`
  const known = await readPointer(ledger, pointer)
  if (known !== null) return { id: known }
  const node: NewNode = {
    id: board.newId(),
    class: 'entity',
    kind: 'hyperparams',
    workspace: workspace.id,
    name: grid.hash,
    digest: (await putBytes(store, Buffer.from(grid.text))).digest,
    attributes: { points: grid.points.length, keys: shortKeys(grid), sha256: grid.digest },
  }
  plan.expect.push({ pointer, target: null })
  plan.statements.push({
    type: 'hyperparams.sent',
    workspace: workspace.id,
    nodes: [node],
    edges: [{ from: node.id, relation: 'wasAttributedTo', to: plan.actor }],
    moves: [{ pointer, target: node.id }],
  })
  return node
}

const KEYS_SHOWN = 100

function shortKeys({ keys }: Grid): string[] {
  return keys.slice(0, KEYS_SHOWN).map(key => key.slice(0, KEYS_SHOWN).toWellFormed())
}

/** Plans the build and the job that the inputs ask for. */
async function started(board: Board, plan: Plan, wish: Wish, targets: Targets): Promise<Result> {
  const { ledger } = board.parts
  const { workspace, grid, request } = wish
  const { data, ingest } = await needData(board, plan, workspace, targets.data, wish.manifest)
  const nothing: Result = { targets, build: undefined, ingest, job: undefined, unchanged: false }
  if (targets.source === null) return nothing
  const source = wish.source ?? (await ledger.node(targets.source))!
  const image = await needImage(board, plan, workspace, 'train', source)
  const build = image.started ? image.build : undefined
  if (!data && !ingest) return { ...nothing, build }
  const fingerprint = data && fingerprintOf(workspace.id, image.pointer, data.id, grid)
  const done = fingerprint && !request.again ? await readPointer(ledger, fingerprint) : null
  if (done !== null) {
    const job = await readRecord<JobRecord>(ledger, keyOf.job(workspace.id, done))
    return { targets, build, ingest, job: job?.value, unchanged: true }
  }
  const job = newJob(board, wish, targets, { image, source, data, ingest })
  planJob(board, plan, job, ingest?.ingest?.manifest, wish.request.git)
  if (wish.from !== undefined) await planBranch(board, plan, job, wish.from)
  return { targets, build, ingest, job, unchanged: false }
}

function warningsOf(request: TrainRequest, grid: Grid | undefined, result: Result): string[] {
  const warnings: string[] = [...(result.notes ?? [])]
  if (request.parallelism !== undefined && !grid) {
    warnings.push('parallelism is kept, but has no effect without hyperparameters')
  }
  if (result.targets.source === null) {
    warnings.push('nothing runs yet: send a source bundle with --source_bundle')
  }
  if (result.targets.data === null) {
    warnings.push('no training runs yet: send a data bundle with --data_bundle')
  } else if (result.targets.source !== null && !result.job) {
    warnings.push('no training runs yet: the manifest in force could not be fetched; send it again')
  }
  return warnings
}
