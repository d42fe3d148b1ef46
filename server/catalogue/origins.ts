/* How something came to be, told by its own edges: one step upstream, and for a model the job that
 * trained it with what that used. */
import type { Origin } from '../../api/wire.ts'
import type { Graph, Ledger, Node } from '../../graph/ledger.ts'
import { find } from '../provenance/train.ts'
import { placesOf } from './versions.ts'

type How = Origin['how']

export async function originOf(ledger: Ledger, ws: string, node: Node): Promise<Origin> {
  const graph = await ledger.lineage(node.id, {
    direction: 'up',
    depth: 1,
    relations: ['wasDerivedFrom', 'wasGeneratedBy'],
  })
  const activity = find(graph, node.id, 'wasGeneratedBy')
  const job = jobOf(node, activity)
  const used = node.kind === 'model' && job !== null ? await usedBy(ledger, job) : undefined
  const edges = [
    ...ends(graph, node.id, 'wasDerivedFrom'),
    ...(used && job !== null ? inputs(used, job) : []),
  ]
  return {
    how: howOf(activity, node),
    job,
    from: await Promise.all(edges.map(edge => sourceOf(ledger, ws, edge))),
  }
}

function howOf(activity: Node | undefined, node: Node): How {
  if (activity === undefined) return node.kind === 'artifact' ? 'pushed' : 'derived'
  if (activity.kind === 'trial' || activity.kind === 'train') return 'trained'
  if (activity.kind === 'build') return 'built'
  return activity.attributes.role === 'ingest' ? 'fetched' : 'pushed'
}

function jobOf({ attributes }: Node, activity: Node | undefined): string | null {
  const { job = attributes.ingest ?? attributes.build } = attributes
  if (typeof job === 'string') return job
  return activity?.kind === 'build' ? activity.id : null
}

interface Found {
  readonly node: Node
  readonly role: string | undefined
}

async function usedBy(ledger: Ledger, job: string): Promise<Graph> {
  return ledger.lineage(job, { direction: 'up', depth: 1, relations: ['used'] })
}

const INPUTS = new Set(['code', 'data', 'hyperparams', 'manifest'])

function inputs(graph: Graph, job: string): Found[] {
  return ends(graph, job, 'used').filter(({ role }) => INPUTS.has(role ?? ''))
}

function ends(graph: Graph, from: string, relation: string): Found[] {
  return graph.edges
    .filter(edge => edge.from === from && edge.relation === relation)
    .flatMap(({ to, role }) => {
      const node = graph.nodes.find(one => one.id === to)
      return node ? [{ node, role }] : []
    })
}

async function sourceOf(
  ledger: Ledger,
  ws: string,
  { node, role }: Found,
): Promise<Origin['from'][number]> {
  const reference = await referenceOf(ledger, ws, node)
  return { entity: node.id, kind: node.kind, reference, role: role ?? null }
}

/** As a person would type it: `features@v2` where it has a place, else its short id. */
export async function referenceOf(ledger: Ledger, ws: string, node: Node): Promise<string> {
  if (node.kind !== 'source' && node.kind !== 'hyperparams') {
    const [place] = await placesOf(ledger, ws, node.id)
    if (place) return `${place.repository}@v${place.number}`
  }
  return node.name ?? node.id
}
