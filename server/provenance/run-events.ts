/* What has ended, as OpenLineage run events: jobs by their outcome, their trials by what each reported,
 * imports and deployments at once. A training's outputs are the models of its trials. */
import { type RunEvent, runEventOf } from '../../graph/exports/open-lineage.ts'
import type { Edge, Graph, Ledger, Node } from '../../graph/ledger.ts'
import { outcomePointer } from '../jobs/records.ts'
import { pointerAt } from '../ledger-reads.ts'

/** Activities that are told of. */
export const TOLD = ['import', 'build', 'train', 'replay', 'trial', 'deploy'] as const

const JOBS = new Set(['train', 'replay', 'build'])

/** Outputs of one event, at most. */
const OUTPUTS_MAX = 1000

/** Undefined for what has not ended. */
export async function endEvent(
  ledger: Ledger,
  activity: Node,
  workspaceName: string,
): Promise<RunEvent | undefined> {
  const end = await endOf(ledger, activity)
  if (!end) return undefined
  const ended: Node = { ...activity, attributes: { ...activity.attributes, ...end } }
  const around = await neighbours(ledger, activity)
  return runEventOf(ended, around, { installation: ledger.id, workspaceName })
}

interface End {
  readonly state: string
  readonly finishedAt: string
}

async function endOf(ledger: Ledger, { id, kind, attributes, at }: Node): Promise<End | undefined> {
  const { state, finishedAt, role } = attributes
  if (kind === 'trial') {
    const time = typeof finishedAt === 'string' ? finishedAt : at
    return typeof state === 'string' ? { state, finishedAt: time } : undefined
  }
  const isJob = JOBS.has(kind) || role === 'ingest'
  if (!isJob) return { state: 'JOB_SUCCESS', finishedAt: at }
  const outcome = await pointerAt(ledger, outcomePointer(id))
  return outcome && { state: outcome.target, finishedAt: outcome.at }
}

async function neighbours(ledger: Ledger, { id, kind }: Node): Promise<Omit<Graph, 'truncated'>> {
  const above = await ledger.lineage(id, {
    direction: 'up',
    depth: 1,
    // Only a trial is a part of what informed it.
    relations: kind === 'trial' ? ['used', 'wasInformedBy'] : ['used'],
  })
  const below = await ledger.lineage(id, {
    direction: 'down',
    depth: kind === 'train' ? 2 : 1,
    relations: kind === 'train' ? ['wasInformedBy', 'wasGeneratedBy'] : ['wasGeneratedBy'],
    limit: OUTPUTS_MAX,
  })
  const models: Edge[] = below.nodes
    .filter(node => kind === 'train' && node.kind === 'model')
    .map(({ id: from, seq }) => ({ from, relation: 'wasGeneratedBy', to: id, seq }))
  return {
    nodes: [...above.nodes, ...below.nodes.slice(1)],
    edges: [...above.edges, ...below.edges, ...models],
  }
}
