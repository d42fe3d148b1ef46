/* The history of experiments: each training below the one that it came from. Where nobody said what a
 * training came from, it is the last one before it that had the same code and data, or else the same
 * code, or the same data, or at least code or data of the same name. */

import { KaosError } from '../../api/errors.ts'
import type { Changed, Experiment, ExperimentsView } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { findJob } from '../jobs/find.ts'
import { readRecord } from '../jobs/reading.ts'
import { type JobRecord, keyOf } from '../jobs/records.ts'
import { trialsOf } from '../jobs/view.ts'
import type { Workspace } from '../parts.ts'
import { nameOf } from './names.ts'
import { changedIn } from './why/why.ts'

/** The newest trainings, at most. */
const JOBS_MAX = 1000
const PAGE = 1000

interface Training {
  readonly job: JobRecord
  /** By role, what is compared: a digest, or a text. */
  readonly inputs: ReadonlyMap<string, string>
  /** By role, as people see it. */
  readonly names: ReadonlyMap<string, string>
  /** By role, the folder that it was sent as. */
  readonly folders: ReadonlyMap<string, string>
  /** The job that it was made from, as was said at its submission. */
  readonly said: string | undefined
}

export interface ExperimentsQuestion {
  /** Only what this one came from and what came from it. */
  readonly job?: string | undefined
  readonly metric?: string | undefined
}

export async function experimentsView(
  board: Board,
  workspace: Workspace,
  { job, metric }: ExperimentsQuestion,
): Promise<ExperimentsView> {
  const wanted = job === undefined ? undefined : await wantedJob(board, workspace, job)
  const { trainings, truncated } = await trainingsOf(board, workspace)
  const linked = linksOf(trainings)
  const shown = wanted === undefined ? linked : lineOf(linked, wanted)
  const experiments = shown.map(one => experimentOf(board, one, metric))
  return { experiments: await Promise.all(experiments), truncated }
}

async function wantedJob(board: Board, workspace: Workspace, text: string): Promise<string> {
  const { value } = await findJob(board, workspace, text)
  if (value.train) return value.id
  const next = 'name a training: kaos train list'
  throw new KaosError('BAD_REQUEST', `job ${value.id} is a ${value.kind}; ${next}`)
}

/** Oldest first. */
async function trainingsOf(board: Board, { id, organisation }: Workspace) {
  const { ledger } = board.parts
  const query = { organisation, workspace: id, kind: 'train', limit: PAGE }
  const nodes = await ledger.nodes(query)
  const known = new Map<string, Promise<Node | undefined>>()
  const nodeOf = (entity: string) => {
    if (!known.has(entity)) known.set(entity, ledger.node(entity))
    return known.get(entity)!
  }
  const trainings: Training[] = []
  for (const node of nodes.slice(0, JOBS_MAX).reverse()) {
    const held = await readRecord<JobRecord>(ledger, keyOf.job(id, node.id))
    if (held?.value.train) trainings.push(await trainingOf(board, node, held.value, nodeOf))
  }
  return { trainings, truncated: nodes.length === PAGE }
}

async function trainingOf(
  board: Board,
  node: Node,
  job: JobRecord,
  nodeOf: (entity: string) => Promise<Node | undefined>,
): Promise<Training> {
  const { source, data, grid } = job.train!
  const inputs = new Map<string, string>()
  const names = new Map<string, string>()
  const folders = new Map<string, string>()
  for (const [role, entity] of [
    ['code', source],
    ['data', data],
  ] as const) {
    const input = entity === null ? undefined : await nodeOf(entity)
    if (!input) continue
    inputs.set(role, input.digest ?? input.id)
    names.set(role, await nameOf(board.parts, input))
    const { folder } = input.attributes
    if (typeof folder === 'string') folders.set(role, folder)
  }
  if (grid) {
    inputs.set('hyperparams', grid.digest)
    names.set('hyperparams', grid.hash)
  }
  const resources = JSON.stringify(job.resources)
  if (resources !== '{}') {
    inputs.set('resources', resources)
    names.set('resources', resources)
  }
  return { job, inputs, names, folders, said: await saidParent(board, node) }
}

async function saidParent({ parts: { ledger } }: Board, { id }: Node): Promise<string | undefined> {
  const options = { direction: 'up', depth: 1, relations: ['wasInformedBy'] } as const
  const { nodes } = await ledger.lineage(id, options)
  return nodes.slice(1).find(node => node.kind === 'train')?.id
}

interface Linked {
  readonly training: Training
  readonly parent: Training | undefined
  readonly link: Experiment['link']
}

function linksOf(trainings: readonly Training[]): Linked[] {
  const byJob = new Map(trainings.map(one => [one.job.id, one]))
  /** The last training so far that is alike in this way. */
  const last = new Map<string, Training>()
  return trainings.map(training => {
    const likes = likesOf(training)
    const said = training.said === undefined ? undefined : byJob.get(training.said)
    const alike = likes.flatMap(like => last.get(like) ?? [])[0]
    for (const like of likes) last.set(like, training)
    if (said) return { training, parent: said, link: 'said' }
    return { training, parent: alike, link: alike ? 'alike' : null }
  })
}

/** Ways in which another can be alike, the closest first. */
function likesOf({ inputs, folders }: Training): string[] {
  return [inputs, folders].flatMap((by, way) => {
    const [code, data] = [by.get('code'), by.get('data')]
    return [
      ...(code !== undefined && data !== undefined ? [`${way} both ${code} ${data}`] : []),
      ...(code === undefined ? [] : [`${way} code ${code}`]),
      ...(data === undefined ? [] : [`${way} data ${data}`]),
    ]
  })
}

/** What this one came from, itself, and what came from it. */
function lineOf(linked: readonly Linked[], job: string): Linked[] {
  const parentOf = new Map(linked.map(one => [one.training.job.id, one.parent?.job.id]))
  const above = new Set<string>()
  for (let id: string | undefined = job; id !== undefined; id = parentOf.get(id)) above.add(id)
  const below = new Set([job])
  for (const [id, parent] of parentOf) if (parent && below.has(parent)) below.add(id)
  return linked.filter(
    ({
      training: {
        job: { id },
      },
    }) => above.has(id) || below.has(id),
  )
}

async function experimentOf(
  board: Board,
  { training, parent, link }: Linked,
  metric: string | undefined,
): Promise<Experiment> {
  const { job, names } = training
  return {
    job: job.id,
    at: job.started,
    author: await board.parts.people.nameOf(job.author),
    state: job.state,
    code: names.get('code') ?? null,
    data: names.get('data') ?? null,
    grid: names.get('hyperparams') ?? null,
    trials: job.train?.total ?? 0,
    best: metric === undefined ? null : await bestOf(board, job, metric),
    parent: parent?.job.id ?? null,
    link,
    differs: parent ? differences(parent, training) : [],
  }
}

/** By content, told by name. */
function differences(parent: Training, training: Training): Changed[] {
  return changedIn(parent.inputs, training.inputs).map(({ name }) => ({
    name,
    a: parent.names.get(name) ?? null,
    b: training.names.get(name) ?? null,
  }))
}

async function bestOf(board: Board, { id }: JobRecord, metric: string): Promise<number | null> {
  const values = (await trialsOf(board, id)).flatMap(({ metrics }) => {
    const value = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
    return typeof value === 'number' ? [value] : []
  })
  return values.length === 0 ? null : values.reduce((best, value) => Math.max(best, value))
}
