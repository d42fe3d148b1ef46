/* How things of the graph are named to people, with who made them. */
import type { ProvEdge, ProvNode } from '../../api/wire.ts'
import type { Edge, Graph, Ledger, Node, Relation } from '../../graph/ledger.ts'
import { referenceOf } from '../catalogue/origins.ts'
import type { Metrics } from '../jobs/records.ts'
import { outcomePointer } from '../jobs/records.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { People } from '../parts.ts'

interface Room {
  readonly ledger: Ledger
  readonly people: People
}

/** Kinds that may have a place in a repository. */
const PLACED = new Set(['data', 'model', 'artifact', 'image'])
/** Activities that are jobs: their outcome is a pointer. */
const JOBS = new Set(['train', 'replay', 'build', 'import'])
const AUTHORS: readonly Relation[] = ['wasAttributedTo', 'wasAssociatedWith']
/** Asked at once. */
const AT_ONCE = 32

/** `features@v2`, `e23a2_9fd9d:b82151`, a job's id, `b82151` of a trial, an endpoint. */
export async function nameOf({ ledger, people }: Room, node: Node): Promise<string> {
  const { id, kind, name, attributes, workspace } = node
  if (node.class === 'agent') return people.nameOf(id)
  if (PLACED.has(kind) && workspace !== undefined) return referenceOf(ledger, workspace, node)
  if (node.class === 'entity') return name ?? id
  const { output, endpoint } = attributes
  if (kind === 'trial' && typeof output === 'string') return output
  return kind === 'deploy' && typeof endpoint === 'string' ? endpoint : id
}

/** `known`: edges that may tell who made it; what they do not tell is looked up. */
export async function shownNode(
  room: Room,
  node: Node,
  known: readonly Edge[] = [],
): Promise<ProvNode> {
  const { id, kind, digest = null, at, attributes } = node
  const { metrics } = attributes
  return {
    id,
    class: node.class,
    kind,
    name: await nameOf(room, node),
    digest,
    at,
    author: await authorOf(room, node, known),
    state: await stateOf(room.ledger, node),
    ...(kind === 'model' && metrics !== undefined && { metrics: metrics as Metrics }),
  }
}

/** In the same order. */
export async function shownNodes(
  room: Room,
  nodes: readonly Node[],
  known: readonly Edge[] = [],
): Promise<ProvNode[]> {
  const edgesOf = Map.groupBy(known, edge => edge.from)
  const shown: ProvNode[] = []
  for (let at = 0; at < nodes.length; at += AT_ONCE) {
    const some = nodes.slice(at, at + AT_ONCE)
    shown.push(
      ...(await Promise.all(some.map(node => shownNode(room, node, edgesOf.get(node.id) ?? [])))),
    )
  }
  return shown
}

export function shownEdge({ from, relation, to, role }: Edge): ProvEdge {
  return { from, relation, to, role: role ?? null }
}

async function authorOf(room: Room, node: Node, known: readonly Edge[]): Promise<string | null> {
  if (node.class === 'agent') return null
  const agent = agentIn(node.id, known) ?? (await agentOf(room.ledger, node.id))
  return agent === undefined ? null : room.people.nameOf(agent)
}

async function agentOf(ledger: Ledger, id: string): Promise<string | undefined> {
  const graph: Graph = await ledger.lineage(id, { direction: 'up', depth: 1, relations: AUTHORS })
  return agentIn(id, graph.edges)
}

/** Not the worker, which only carries out. */
function agentIn(id: string, edges: readonly Edge[]): string | undefined {
  return edges.find(
    ({ from, relation, role }) => from === id && AUTHORS.includes(relation) && role !== 'worker',
  )?.to
}

async function stateOf(ledger: Ledger, { id, kind, attributes }: Node): Promise<string | null> {
  if (typeof attributes.state === 'string') return attributes.state
  if (!JOBS.has(kind)) return null
  return (await pointerAt(ledger, outcomePointer(id)))?.target ?? null
}
