/* The graph, thing by thing, against the statements that made it. What is not proved is left out, so
 * that all further checks stand on what the log says. */
import { canonical, type Json } from '../canonical.ts'
import { count, type Findings } from './findings.ts'
import { type EvidenceEdge, type EvidenceGraph, type EvidenceNode, MEMBER } from './format.ts'
import type { Said } from './log-checks.ts'
import { jsonIn, type Opened } from './open.ts'

/** The proved part of the graph, and ways through it. */
export class ProvedGraph {
  readonly nodes: ReadonlyMap<string, EvidenceNode>
  readonly edges: readonly EvidenceEdge[]
  readonly #from: Map<string, EvidenceEdge[]>
  readonly #to: Map<string, EvidenceEdge[]>

  constructor(nodes: readonly EvidenceNode[], edges: readonly EvidenceEdge[]) {
    this.nodes = new Map(nodes.map(node => [node.id, node]))
    this.edges = edges
    this.#from = Map.groupBy(edges, edge => edge.from)
    this.#to = Map.groupBy(edges, edge => edge.to)
  }

  /** What lies one step upstream along this relation. */
  up(id: string, relation: string, role?: string): EvidenceNode[] {
    return this.#ends(this.#from.get(id), relation, role, edge => edge.to)
  }

  down(id: string, relation: string, role?: string): EvidenceNode[] {
    return this.#ends(this.#to.get(id), relation, role, edge => edge.from)
  }

  #ends(
    edges: readonly EvidenceEdge[] = [],
    relation: string,
    role: string | undefined,
    end: (edge: EvidenceEdge) => string,
  ): EvidenceNode[] {
    return edges
      .filter(edge => edge.relation === relation && (role === undefined || edge.role === role))
      .flatMap(edge => this.nodes.get(end(edge)) ?? [])
  }
}

export function checkGraph(
  opened: Opened,
  said: ReadonlyMap<number, Said>,
  findings: Findings,
): ProvedGraph {
  const { edges, nodes } = jsonIn<EvidenceGraph>(opened, MEMBER.graph)
  const goodNodes = nodes.filter(node => isSaid(node, said.get(node.seq)))
  const goodEdges = edges.filter(edge => isEdgeSaid(edge, said.get(edge.seq)))
  const bad = nodes.length - goodNodes.length + edges.length - goodEdges.length
  const all = `${count(nodes.length, 'thing')} and ${count(edges.length, 'relation')}`
  if (bad === 0) findings.good('graph', `${all}: each stands in a proved statement`)
  else findings.bad('graph', `of ${all}, ${bad} are not what a proved statement says`)
  return new ProvedGraph(goodNodes, goodEdges)
}

function isSaid(node: EvidenceNode, said: Said | undefined): boolean {
  const own = said?.nodes?.find(({ id }) => id === node.id)
  return own !== undefined && textOf(own) === textOf(node)
}

function textOf(node: Omit<EvidenceNode, 'seq' | 'at'>): string {
  const { attributes, class: kindOf, digest = null, id, kind, name = null } = node
  const { workspace = null } = node
  return canonical({ attributes, class: kindOf, digest, id, kind, name, workspace } as Json)
}

function isEdgeSaid({ from, relation, role, to }: EvidenceEdge, said: Said | undefined): boolean {
  return (
    said?.edges?.some(edge => {
      const same = edge.from === from && edge.to === to && edge.relation === relation
      return same && edge.role === role
    }) ?? false
  )
}
