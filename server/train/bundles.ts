/** Finding the bundle that somebody means: by id, by `mnist:e23a2`, or by digest. */
import type { BundleKind } from '../../api/bundle.ts'
import { isDigest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import type { Ledger, Node, NodeQuery } from '../../graph/ledger.ts'
import type { Workspace } from '../parts.ts'

const MATCHES_MAX = 1000

/** The newest that fits. BUNDLE_NOT_FOUND when none does. */
export async function findBundle(
  ledger: Ledger,
  workspace: Workspace,
  kind: BundleKind,
  text: string,
): Promise<Node> {
  const found = (await candidates(ledger, workspace, text)).find(node => isKind(node, kind))
  if (found) return found
  const what = kind === 'data' ? 'data' : 'source'
  const where = `workspace ${workspace.name} has no ${what} bundle ${text}`
  throw new KaosError('BUNDLE_NOT_FOUND', `${where}; send it with --${what}_bundle`)
}

async function candidates(ledger: Ledger, workspace: Workspace, text: string): Promise<Node[]> {
  if (isId(text)) {
    const node = await ledger.node(text)
    return node?.workspace === workspace.id ? [node] : []
  }
  const query: NodeQuery = {
    organisation: workspace.organisation,
    workspace: workspace.id,
    limit: MATCHES_MAX,
  }
  if (isDigest(text)) return ledger.nodes({ ...query, digest: text })
  return ledger.nodes({ ...query, name: text.replace(/^\//, '') })
}

function isKind(node: Node, kind: BundleKind): boolean {
  if (kind === 'data') return node.kind === 'data'
  const purpose = kind === 'train-source' ? 'train' : 'serve'
  return node.kind === 'source' && node.attributes.purpose === purpose
}
