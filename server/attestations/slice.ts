/* The part of the graph that speaks for one thing: all it came from, and who signed any of that. */
import type { Edge, Ledger, Node } from '../../graph/ledger.ts'

export interface Slice {
  readonly subject: Node
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
  /** Of those nodes, the signed statements. */
  readonly attestations: readonly Node[]
  readonly truncated: boolean
}

/** Things upstream, and signed statements about one of them, at most. */
const UPSTREAM_MAX = 5000
const SIGNED_MAX = 1000
/** What jobs make, and so may be signed. */
const SIGNED_KINDS = new Set([
  'model',
  'replica',
  'image',
  'data',
  'revision',
  'artifact',
  'source',
])
const AT_ONCE = 16

export async function sliceOf(ledger: Ledger, subject: Node): Promise<Slice> {
  const up = await ledger.lineage(subject.id, { direction: 'up', limit: UPSTREAM_MAX })
  // What belongs to another workspace is not the reader's to see.
  const own = up.nodes.filter(
    ({ workspace = subject.workspace }) => workspace === subject.workspace,
  )
  const nodes = new Map(own.map(node => [node.id, node]))
  const between = up.edges.filter(({ from, to }) => nodes.has(from) && nodes.has(to))
  const edges = new Map(between.map(edge => [keyOf(edge), edge]))
  const attestations: Node[] = []
  const signed = own.filter(node => SIGNED_KINDS.has(node.kind))
  for (let at = 0; at < signed.length; at += AT_ONCE) {
    const some = signed.slice(at, at + AT_ONCE)
    const found = await Promise.all(some.map(node => attestationsOf(ledger, node.id)))
    attestations.push(...found.flat())
  }
  for (const attestation of attestations) {
    const own = await ledger.lineage(attestation.id, { direction: 'up', depth: 1 })
    for (const node of own.nodes) nodes.set(node.id, node)
    for (const edge of own.edges) if (edge.from === attestation.id) edges.set(keyOf(edge), edge)
  }
  return {
    subject,
    nodes: [...nodes.values()],
    edges: [...edges.values()],
    attestations,
    truncated: up.truncated || own.length < up.nodes.length,
  }
}

/** Signed statements about an entity, the oldest first. */
export async function attestationsOf(ledger: Ledger, entity: string): Promise<Node[]> {
  const down = await ledger.lineage(entity, {
    direction: 'down',
    depth: 1,
    relations: ['wasDerivedFrom'],
    limit: SIGNED_MAX,
  })
  return down.nodes
    .filter(node => node.kind === 'attestation' && node.id !== entity)
    .sort((a, b) => a.seq - b.seq)
}

function keyOf({ from, relation, to }: Edge): string {
  return `${from} ${relation} ${to}`
}

/** The model that the deployment of a revision used. */
export function servedModel({ edges, nodes, subject }: Slice): Node | undefined {
  const next = (from: string, relation: string, role?: string) =>
    edges.find(edge => edge.from === from && edge.relation === relation && edge.role === role)?.to
  const deployment = next(subject.id, 'wasGeneratedBy')
  const model = deployment === undefined ? undefined : next(deployment, 'used', 'model')
  return nodes.find(node => node.id === model)
}
