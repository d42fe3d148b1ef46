import type { Ledger, Node } from '../../graph/ledger.ts'

/** Indexes within indexes, at most. */
const DEPTH_MAX = 8

/** The manifests below an index, however deep. */
export async function manifestsBelow(ledger: Ledger, index: Node): Promise<Node[]> {
  const { nodes } = await ledger.lineage(index.id, {
    direction: 'up',
    depth: DEPTH_MAX,
    relations: ['hadMember'],
  })
  return nodes.slice(1).filter(node => typeof node.attributes.manifest === 'string')
}
