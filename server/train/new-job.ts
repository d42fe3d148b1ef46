/* The job that a training becomes: its row with exactly these inputs, and the fact of its submission. */
import type { Actor } from '../../api/actor.ts'
import type { Grid } from '../../api/grid.ts'
import type { TrainRequest } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import { type Board, type Plan, saveJob, startingJob } from '../jobs/board.ts'
import type { Needed } from '../jobs/images.ts'
import { write } from '../jobs/reading.ts'
import { type JobRecord, keyOf } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { branchOf, fingerprintOf } from './fingerprint.ts'
import { parallelismOf, resourcesOf, type Targets } from './inputs.ts'

/** Of a retry, in its fact. */
const POINTS_SHOWN = 1000

interface Asked {
  readonly actor: Actor
  readonly workspace: Workspace
  readonly grid: Grid | undefined
}

export interface Chosen {
  readonly image: Needed
  readonly source: Node
  /** Undefined while they are ingested. */
  readonly data: Node | undefined
  readonly ingest: JobRecord | undefined
}

export function newJob(board: Board, wish: Asked, targets: Targets, chosen: Chosen): JobRecord {
  const { workspace, grid } = wish
  const { image, source, data, ingest } = chosen
  return {
    ...startingJob(board, workspace, 'train', wish.actor.id),
    resources: resourcesOf(targets),
    train: {
      source: source.id,
      data: data?.id ?? null,
      ingest: ingest?.id ?? null,
      hyper: targets.hyper,
      image: image.image,
      imagePointer: image.pointer,
      build: image.build?.id ?? null,
      grid: grid ? { hash: grid.hash, digest: grid.digest } : null,
      branch: data ? branchOf(source, data, grid) : '',
      total: grid?.points.length ?? 1,
      done: 0,
      failed: 0,
      next: 0,
      live: [],
      parallelism: grid ? parallelismOf(targets) : 1,
      fingerprint: data ? fingerprintOf(workspace.id, image.pointer, data.id, grid) : '',
    },
  }
}

/** `manifest`: the entity whose files the data will be. `git`: of the folders that were sent for it. */
export function planJob(
  board: Board,
  plan: Plan,
  job: JobRecord,
  manifest: string | undefined,
  git: TrainRequest['git'],
): void {
  const { id, workspace } = job
  const train = job.train!
  const { branch, total, parallelism, grid } = train
  const hash = grid?.hash ?? null
  const attributes = {
    branch: branch || null,
    grid: hash,
    trials: total,
    parallelism,
    resources: job.resources,
    ...(git && { git }),
    ...(train.retryOf && {
      retry: { of: train.retryOf, points: (train.points ?? []).slice(0, POINTS_SHOWN) },
    }),
  }
  plan.statements.push({
    type: 'train.submitted',
    workspace,
    nodes: [{ id, class: 'activity', kind: 'train', workspace, attributes }],
    edges: [
      { from: id, relation: 'used', to: train.source, role: 'code' },
      ...(train.data ? [used(id, train.data, 'data')] : []),
      ...(manifest ? [used(id, manifest, 'manifest')] : []),
      ...(train.hyper ? [used(id, train.hyper, 'hyperparams')] : []),
      ...(train.image ? [used(id, train.image, 'image')] : []),
      ...(train.build ? [informed(id, train.build)] : []),
      ...(train.ingest ? [informed(id, train.ingest)] : []),
      { from: id, relation: 'wasAssociatedWith', to: job.author },
    ],
  })
  plan.records.push(write(keyOf.open(workspace, id), {}))
  if (train.image === null) plan.records.push(write(keyOf.waits(train.build!, id), { workspace }))
  if (train.data === null) plan.records.push(write(keyOf.waits(train.ingest!, id), { workspace }))
  saveJob(board, plan, job)
}

function informed(from: string, to: string) {
  return { from, relation: 'wasInformedBy', to } as const
}

function used(from: string, to: string, role: string) {
  return { from, relation: 'used', to, role } as const
}
