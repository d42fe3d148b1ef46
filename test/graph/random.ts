/* Chance that can be repeated: the same seed gives the same graph. */
import { newId } from '../../api/ids.ts'
import type { NewEdge, NewNode, ProvClass, Relation } from '../../graph/ledger.ts'
import { RELATIONS } from '../../graph/ledger.ts'
import { allows } from '../../graph/prov.ts'
import { activity, agent, entity } from './stage.ts'

export type Chance = (below: number) => number

/** Whole numbers below a bound (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export interface Facts {
  readonly nodes: readonly NewNode[]
  readonly edges: readonly NewEdge[]
}

const MAKE: Record<ProvClass, () => NewNode> = { entity, activity, agent }
const CLASSES = ['entity', 'entity', 'entity', 'activity', 'activity', 'agent'] as const

/** A graph without cycles: each node has edges to a few that came before it. */
export function randomFacts(chance: Chance, size: number): Facts {
  const nodes: NewNode[] = []
  const edges = new Map<string, NewEdge>()
  for (let i = 0; i < size; i++) {
    const node = { ...MAKE[CLASSES[chance(CLASSES.length)]!](), id: newId(i) }
    for (let tries = chance(6); tries > 0 && i > 0; tries--) {
      const to = nodes[chance(i)]!
      const fitting = RELATIONS.filter(relation => allows(relation, node.class, to.class))
      const relation = fitting[chance(fitting.length || 1)]
      if (relation === undefined) continue
      edges.set(`${node.id} ${relation} ${to.id}`, { from: node.id, relation, to: to.id })
    }
    nodes.push(node)
  }
  return { nodes, edges: [...edges.values()] }
}

/** The plain way to ask for lineage, to compare with. */
export function plainLineage(
  facts: Facts,
  start: string,
  direction: 'up' | 'down',
  depth: number,
  relations: readonly Relation[] = RELATIONS,
): { nodes: Set<string>; edges: Set<string> } {
  const allowed = facts.edges.filter(edge => relations.includes(edge.relation))
  const nodes = new Set([start])
  let level = new Set([start])
  for (let step = 0; step < depth && level.size > 0; step++) {
    const next = new Set<string>()
    for (const { from, to } of allowed) {
      const [near, far] = direction === 'up' ? [from, to] : [to, from]
      if (level.has(near) && !nodes.has(far)) next.add(far)
    }
    for (const id of next) nodes.add(id)
    level = next
  }
  const inside = allowed.filter(edge => nodes.has(edge.from) && nodes.has(edge.to))
  return { nodes, edges: new Set(inside.map(edgeText)) }
}

export function edgeText({ from, relation, to }: NewEdge): string {
  return `${from} ${relation} ${to}`
}
