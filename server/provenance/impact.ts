/* Where something went: the jobs, models, tags and endpoints that came from it, also through others of
 * the same content. Tags and endpoints are looked for from their side as well when there is more below
 * than is looked at: there are few of them, and they matter most. */

import { KaosError } from '../../api/errors.ts'
import type { ImpactEndpoint, ImpactJob, ImpactView, ProvNode } from '../../api/wire.ts'
import type { Node, Pointer } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type EndpointRecord, keyOf } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { type Descent, descentOf } from './descent.ts'
import { findThing } from './find.ts'
import { shownNode, shownNodes } from './names.ts'

export interface ImpactQuestion {
  readonly id: string
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** Things that are looked at. */
const WALKED_MAX = 20_000
/** Tags and endpoints that are asked where they come from, when not all below was looked at. */
const ASKED_MAX = 1000
const LIMIT_DEFAULT = 1000
const OTHERS = new Set(['data', 'source', 'image', 'artifact'])
const SAME_SHOWN = 100

type Tag = ImpactView['tags'][number]

export async function impactView(
  board: Board,
  workspace: Workspace,
  { id, limit = LIMIT_DEFAULT, cursor }: ImpactQuestion,
  walkedMax = WALKED_MAX,
): Promise<ImpactView> {
  const of = await findThing({ board, workspace }, id)
  const reached = await reachedFrom(board, workspace, of, walkedMax)
  const { starts, descent } = reached
  const below = [...descent.nodes.values()].filter(node => !starts.has(node.id))
  const jobs = jobsIn(below)
  const models = below.filter(node => node.kind === 'model')
  const others = below.filter(node => OTHERS.has(node.kind))
  const tags = await tagsOf(board, workspace, reached)
  const endpoints = await endpointsOf(board, workspace, reached)
  const from = offsetIn(cursor)
  const page = [...jobs, ...models, ...others].slice(from, from + limit)
  const total = jobs.length + models.length + others.length
  const room = board.parts
  const shown = await shownNodes(room, page)
  const same = [...starts.values()].filter(node => node.id !== of.id)
  return {
    of: await shownNode(room, of),
    same: await shownNodes(room, same.slice(0, SAME_SHOWN)),
    jobs: shown.filter(one => one.class === 'activity').map(jobRow),
    models: shown.filter(one => one.kind === 'model'),
    others: shown.filter(one => OTHERS.has(one.kind)),
    tags: from === 0 ? tags : [],
    endpoints: from === 0 ? endpoints : [],
    counts: {
      jobs: jobs.length,
      models: models.length,
      others: others.length,
      tags: tags.length,
      endpoints: endpoints.length,
    },
    truncated: descent.truncated,
    next: from + limit < total ? String(from + limit) : null,
  }
}

interface Reached {
  /** What was named, what has the same content, and of a job its trials. */
  readonly starts: ReadonlyMap<string, Node>
  readonly descent: Descent
}

async function reachedFrom(
  { parts: { ledger } }: Board,
  { id: workspace, organisation }: Workspace,
  of: Node,
  limit: number,
): Promise<Reached> {
  const query = { direction: 'down', organisation, workspace, limit } as const
  const begin = of.kind === 'train' ? [of, ...(await trialsOf(of))] : [of]
  const descent = await descentOf(ledger, begin, query)
  const starts = new Map(begin.map(node => [node.id, node]))
  for (const [twin, twinOf] of descent.twins) {
    const node = twinOf.id === of.id ? descent.nodes.get(twin) : undefined
    if (node) starts.set(twin, node)
  }
  return { starts, descent }

  /** What a job did is told by its trials, which name it. */
  async function trialsOf(job: Node): Promise<Node[]> {
    const options = { direction: 'down', depth: 1, relations: ['wasInformedBy'] } as const
    const { nodes } = await ledger.lineage(job.id, { ...options, limit })
    return nodes.filter(node => node.kind === 'trial')
  }
}

const JOBS = new Set(['train', 'replay', 'build'])

/** Trainings, replays and builds; a trial stands for its job. */
function jobsIn(below: readonly Node[]): Node[] {
  const jobs = below.filter(({ kind }) => JOBS.has(kind))
  const named = new Set(jobs.map(job => job.id))
  for (const node of below) {
    const job = node.kind === 'trial' ? node.attributes.job : undefined
    if (typeof job !== 'string' || named.has(job)) continue
    named.add(job)
    const kind = node.attributes.run === undefined ? 'train' : 'replay'
    jobs.push({ ...node, id: job, kind, attributes: {} })
  }
  return jobs
}

function jobRow({ id, kind, at, author, state }: ProvNode): ImpactJob {
  return { job: id, kind, at, author, state }
}

async function tagsOf(board: Board, { id, organisation }: Workspace, reached: Reached) {
  const tags: Tag[] = []
  let asked = 0
  const prefix = `tag/${id}/`
  for await (const pointer of everyPointer(board, prefix)) {
    const { name, target, at } = pointer
    const known = reached.descent.nodes.has(target)
    const unsure = !known && reached.descent.truncated && asked++ < ASKED_MAX
    if (!known && !(unsure && (await cameFrom(board, organisation, target, reached)))) continue
    const place = name.slice(prefix.length)
    const slash = place.lastIndexOf('/')
    tags.push({
      repository: place.slice(0, slash),
      tag: place.slice(slash + 1),
      entity: target,
      at,
    })
  }
  return tags
}

async function* everyPointer(
  { parts: { ledger } }: Board,
  prefix: string,
): AsyncGenerator<Pointer> {
  for (let after: string | undefined; ; ) {
    const page = await ledger.pointers(prefix, { limit: 1000, ...(after && { after }) })
    yield* page
    if (page.length < 1000) return
    after = page.at(-1)?.name
  }
}

async function endpointsOf(
  board: Board,
  { id, organisation }: Workspace,
  reached: Reached,
): Promise<ImpactEndpoint[]> {
  const found = new Map<string, ImpactEndpoint>()
  for (const node of reached.descent.nodes.values()) {
    if (node.kind !== 'revision' || node.workspace !== id || node.name === undefined) continue
    found.set(node.name, await endpointRow(board, node.name, node))
  }
  let asked = 0
  for (const endpoint of board.endpoints.values()) {
    if (endpoint.workspace !== id || found.has(endpoint.name)) continue
    // Before its image is built there is no revision, only what it will be made of.
    const made = [endpoint.source, endpoint.model?.entity, endpoint.image]
    const named = made.some(entity => entity && reached.descent.nodes.has(entity))
    const unsure = !named && reached.descent.truncated && asked++ < ASKED_MAX
    if (!named && !(unsure && (await cameFrom(board, organisation, endpoint.source, reached)))) {
      continue
    }
    const { name, revision, createdAt: at } = endpoint
    found.set(name, await endpointRow(board, name, { id: revision, at }))
  }
  return [...found.values()]
}

async function endpointRow(
  { endpoints, parts }: Board,
  name: string,
  { id: revision, at }: Pick<Node, 'id' | 'at'>,
): Promise<ImpactEndpoint> {
  const listed = endpoints.get(name)
  const known = listed ?? (await readRecord<EndpointRecord>(parts.ledger, keyOf.gone(name)))?.value
  const running = listed !== undefined && listed.state !== 'PIPELINE_FAILURE'
  return { name, revision, state: known?.state ?? null, running, at }
}

async function cameFrom(
  { parts: { ledger } }: Board,
  organisation: string,
  entity: string,
  { starts }: Reached,
): Promise<boolean> {
  const node = await ledger.node(entity)
  if (!node) return false
  const query = { direction: 'up', organisation, limit: WALKED_MAX } as const
  const { nodes } = await descentOf(ledger, [node], query)
  return [...starts.keys()].some(start => nodes.has(start))
}

function offsetIn(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor)
  throw new KaosError(
    'BAD_REQUEST',
    `${cursor} is no place to go on from; ask again from the start`,
  )
}
