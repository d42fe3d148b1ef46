/** What a worker is told to do. All of it was fixed when the job was submitted. */
import {
  type IngestWork,
  MANIFEST_FILE,
  type ServiceWork,
  type TrialWork,
  type WorkOrder,
} from '../../api/attempts.ts'
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { type Grid, parseGrid, pointFile } from '../../api/grid.ts'
import { putTree, readFile } from '../../store/trees.ts'
import type { Board } from '../jobs/board.ts'
import { imageOf } from '../jobs/images.ts'
import type {
  EndpointRecord,
  IngestPart,
  JobRecord,
  TrainPart,
  TrialRecord,
  WorkRef,
} from '../jobs/records.ts'
import { forcedOn, imageOfRun } from '../replay/runs.ts'
import { type Place, placeOf } from './places.ts'

async function trialOrder(
  board: Board,
  job: JobRecord,
  train: TrainPart,
  trial: TrialRecord,
): Promise<TrialWork> {
  const { ledger } = board.parts
  const image = (await ledger.node(imageOfRun(job, train, trial.index)))!
  const data = (await ledger.node(train.data!))!
  const hyper = await hyperOf(board, train, trial.index)
  const source = await ledger.node(train.source)
  return {
    kind: 'trial',
    image: imageOf(image),
    data: [{ name: data.name!, tree: data.digest! }],
    ...(hyper ? { hyper } : {}),
    // A program may write down where it wrote: a replay is told the same place.
    output: job.replay?.of.output ?? trial.output,
    model: trial.modelId,
    ...(source?.digest && { source: { name: source.name ?? source.id, tree: source.digest } }),
    resources: job.resources,
    ...forcedOn(job, trial.index),
  }
}

async function serviceOrder(board: Board, endpoint: EndpointRecord): Promise<ServiceWork> {
  const image = (await board.parts.ledger.node(endpoint.image!))!
  return {
    kind: 'service',
    image: imageOf(image),
    endpoint: endpoint.name,
    resources: endpoint.resources,
    readyTimeoutMs: board.parts.settings.readyTimeoutMs,
  }
}

const GIB = 2 ** 30
const HOUR_MS = 3600_000
const INGEST_LIMITS: IngestWork['limits'] = {
  fileBytes: 100 * GIB,
  totalBytes: 1024 * GIB,
  fileMs: 6 * HOUR_MS,
  totalMs: 24 * HOUR_MS,
  silenceMs: 60_000,
}

async function ingestOrder({ parts }: Board, ingest: IngestPart): Promise<IngestWork> {
  const { store, settings } = parts
  const { digest, size } = ingest.text
  return {
    kind: 'ingest',
    // Workers are sent folders. Put again, it is the same one.
    manifest: await putTree(store, [{ name: MANIFEST_FILE, kind: 'file', digest, size }]),
    total: ingest.progress.total,
    allow: [...settings.ingestAllow],
    limits: INGEST_LIMITS,
  }
}

export interface Hyper {
  hash: string
  file: string
  values: Record<string, unknown>
  /** The values as they were written. */
  text: string
}

/** Where in the grid a trial of this job stands. */
export function pointOf({ point, points }: TrainPart, index: number): number {
  return point ?? points?.[index] ?? index
}

/** The point of a trial; undefined without a grid. */
export async function hyperOf(
  board: Board,
  train: TrainPart,
  index: number,
): Promise<Hyper | undefined> {
  if (!train.grid || !train.hyper) return undefined
  const grid = await gridOf(board, train.hyper)
  const at = pointOf(train, index)
  const point = grid?.points[at]
  if (!point) return undefined
  const text = grid?.texts[at] ?? ''
  return { hash: train.grid.hash, file: pointFile(point), values: { ...point }, text }
}

/** Grids read lately: every trial of a job asks for its own. */
const kept = new Map<string, Grid | undefined>()
const KEPT_MAX = 16

async function gridOf(board: Board, entity: string): Promise<Grid | undefined> {
  const known = kept.get(entity)
  if (known) return known
  const { ledger, store } = board.parts
  const node = await ledger.node(entity)
  const chunks: Uint8Array[] = []
  for await (const chunk of readFile(store, node!.digest!)) chunks.push(chunk)
  const grid = parseGrid(Buffer.concat(chunks).toString('utf8'))
  const oldest = kept.keys().next().value
  if (kept.size >= KEPT_MAX && oldest !== undefined) kept.delete(oldest)
  kept.set(entity, grid)
  return grid
}

/** A tree that the order of this work names; OBJECT_UNKNOWN for every other. */
export async function orderedTree(board: Board, work: WorkRef, digest: string): Promise<Digest> {
  const place = await placeOf(board, work)
  const order = place && (await orderOf(board, place))
  const named = order && treesOf(order).find(tree => tree === digest)
  if (named) return named as Digest
  throw new KaosError('OBJECT_UNKNOWN', `the order names no tree ${digest}`)
}

export async function orderOf(board: Board, place: Place): Promise<WorkOrder['work']> {
  if (place.kind === 'build') return place.build.work
  if (place.kind === 'trial') return trialOrder(board, place.job, place.train, place.trial)
  if (place.kind === 'ingest') return ingestOrder(board, place.ingest)
  return serviceOrder(board, place.endpoint)
}

function treesOf(order: WorkOrder['work']): string[] {
  if (order.kind === 'build') return [order.source, order.program]
  if (order.kind === 'ingest') return [order.manifest]
  const { tree, program } = order.image
  if (order.kind === 'service') return [tree, program]
  return [tree, program, ...order.data.map(data => data.tree)]
}
