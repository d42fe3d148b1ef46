/** Who made a thing: the agent at the end of its edge, and that agent's name as it is now. */
import type { Ledger, Relation } from '../../graph/ledger.ts'
import type { People } from '../parts.ts'

const KEPT = 4096

/** Agents by node, for edges that never change. */
const agents = new WeakMap<Ledger, Map<string, string>>()

/** The agent an entity is attributed to, or an activity is associated with. */
export async function agentOf(
  ledger: Ledger,
  node: string,
  relation: Relation = 'wasAttributedTo',
): Promise<string | undefined> {
  const known = agents.get(ledger) ?? new Map<string, string>()
  agents.set(ledger, known)
  const key = `${relation} ${node}`
  const found = known.get(key)
  if (found !== undefined) return found
  const { edges } = await ledger.lineage(node, { direction: 'up', depth: 1, relations: [relation] })
  const agent = edges.find(edge => edge.from === node && edge.relation === relation)?.to
  if (agent === undefined) return undefined
  if (known.size >= KEPT) known.clear()
  known.set(key, agent)
  return agent
}

export async function authorOf(ledger: Ledger, people: People, entity: string): Promise<string> {
  const agent = await agentOf(ledger, entity)
  return agent === undefined ? 'unknown' : people.nameOf(agent)
}
