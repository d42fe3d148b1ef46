/* Which content is kept. A purged entity's is not. Otherwise an entity's content is kept if
 *   - a pointer stands at it: it is a version, tagged, an input in force, deployed, …
 *   - something used it: what a job ran with stays, whatever becomes of its names
 *   - it was made by something else than an import: nobody could bring it again
 *   - it is not of a kind that people push: a log, an image, hyperparameters, …
 *   - it is a part of something that is kept (a ModelKit's parts)
 * So what goes is what somebody pushed, nobody used, and nothing names any more. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { type Digest, isDigest } from '../../api/digest.ts'
import { isId } from '../../api/ids.ts'
import type { Ledger, Node, Relation } from '../../graph/ledger.ts'
import { KeySet } from './key-set.ts'
import { PURGED } from './purged.ts'

const PUSHED = new Set(['data', 'model', 'source', 'artifact'])
const PAGE = 1000

export interface Kept {
  has(node: Node): Promise<boolean>
}

/** Things within things, at most. */
const PARTS_DEPTH = 8

/** By what the ledger's pointers say now. */
export async function openKept(ledger: Ledger): Promise<Kept> {
  const pointed = new KeySet(ID_BYTES)
  const purged = new KeySet(ID_BYTES)
  for (let after: string | undefined; ; ) {
    const page = await ledger.pointers('', { limit: PAGE, ...(after !== undefined && { after }) })
    for (const { name, target } of page) {
      if (name.startsWith(PURGED)) purged.raise(rawId(name.slice(PURGED.length)))
      else if (isId(target)) pointed.raise(rawId(target))
    }
    if (page.length < PAGE) break
    after = page.at(-1)?.name
  }
  async function isKept(node: Node, depth: number): Promise<boolean> {
    const id = rawId(node.id)
    if (purged.has(id)) return false
    if (!PUSHED.has(node.kind) || pointed.has(id)) return true
    const reasons = await Promise.all([wasUsed(ledger, node.id), wasMadeHere(ledger, node.id)])
    if (reasons.includes(true)) return true
    if (depth === PARTS_DEPTH) return false
    for (const whole of await neighbours(ledger, node.id, 'down', 'hadMember')) {
      if (await isKept(whole, depth + 1)) return true
    }
    return false
  }

  return { has: node => isKept(node, 0) }
}

/** Whether the content of one entity is kept. */
export async function isKept(ledger: Ledger, node: Node): Promise<boolean> {
  return (await openKept(ledger)).has(node)
}

/** What an entity and its parts consist of: trees and files, and what its attributes name besides. */
export async function* contentOf(ledger: Ledger, node: Node, depth = 0): AsyncGenerator<Digest> {
  if (node.digest !== undefined) yield node.digest
  for (const value of Object.values(node.attributes)) if (isDigest(value)) yield value
  if (!PUSHED.has(node.kind) || depth === PARTS_DEPTH) return
  for (const part of await neighbours(ledger, node.id, 'up', 'hadMember')) {
    yield* contentOf(ledger, part, depth + 1)
  }
}

async function wasUsed(ledger: Ledger, entity: string): Promise<boolean> {
  return (await neighbours(ledger, entity, 'down', 'used', 1)).length > 0
}

async function wasMadeHere(ledger: Ledger, entity: string): Promise<boolean> {
  const made = await neighbours(ledger, entity, 'up', 'wasGeneratedBy')
  return made.some(activity => activity.kind !== 'import')
}

async function neighbours(
  ledger: Ledger,
  id: string,
  direction: 'up' | 'down',
  relation: Relation,
  limit?: number,
): Promise<readonly Node[]> {
  const query = { direction, depth: 1, relations: [relation], ...(limit && { limit }) }
  return (await ledger.lineage(id, query)).nodes.slice(1)
}

/** Entities with content, a workspace at a time. */
export async function* entitiesOf(ledger: Ledger): AsyncGenerator<Node> {
  const organisation = DEFAULT_ORGANISATION
  for await (const workspace of nodesOf(ledger, { organisation, kind: 'workspace' })) {
    for await (const node of nodesOf(ledger, { organisation, workspace: workspace.id })) {
      if (node.class === 'entity' && node.digest !== undefined) yield node
    }
  }
}

/** All that fit, newest first. */
export async function* nodesOf(
  ledger: Ledger,
  query: Parameters<Ledger['nodes']>[0],
): AsyncGenerator<Node> {
  for (let olderThan: string | undefined; ; ) {
    const page = await ledger.nodes({ ...query, limit: PAGE, ...(olderThan && { olderThan }) })
    yield* page
    if (page.length < PAGE) return
    olderThan = page.at(-1)?.id
  }
}

const ID_BYTES = 16

function rawId(id: string): Buffer {
  return Buffer.from(id, 'hex')
}
