/* What can be fetched of a thing, by what it is to it: of a model its files, and the code and the data
 * it was trained on; of a ModelKit its parts. */
import type { Digest } from '../../api/digest.ts'
import type { PartList } from '../../api/wire.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { originOf } from './origins.ts'

type Part = PartList['parts'][number]

const PARTS: Readonly<Record<string, Part['part']>> = {
  source: 'code',
  data: 'data',
  model: 'model',
}

export async function partsOf(ledger: Ledger, ws: string, node: Node): Promise<Part[]> {
  if (node.kind === 'artifact') return (await membersOf(ledger, node)).flatMap(partOfNode)
  const { from } = await originOf(ledger, ws, node)
  const used =
    node.kind === 'model' ? from.filter(({ role }) => role === 'code' || role === 'data') : []
  const nodes = await Promise.all(used.map(one => ledger.node(one.entity)))
  return [node, ...nodes.filter(one => one !== undefined)].flatMap(partOfNode)
}

/** Its members, under the names that they have in it. */
async function membersOf(ledger: Ledger, node: Node): Promise<Node[]> {
  const query = { direction: 'up', depth: 1, relations: ['hadMember'] } as const
  const members = (await ledger.lineage(node.id, query)).nodes.slice(1)
  const { parts } = node.attributes
  const named = (Array.isArray(parts) ? parts : []) as { entity?: string; name?: string }[]
  const names = new Map(named.map(({ entity, name }) => [entity, name]))
  return members.map(member => ({ ...member, name: names.get(member.id) ?? member.name ?? '' }))
}

function partOfNode({ id, kind, name = id, digest, attributes }: Node): Part[] {
  const part = PARTS[kind]
  if (part === undefined || digest === undefined) return []
  const { files = 0, bytes = 0 } = attributes
  const tree: Digest = digest
  return [{ part, entity: id, name, tree, files: Number(files), bytes: Number(bytes) }]
}
