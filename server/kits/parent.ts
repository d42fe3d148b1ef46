/* A ModelKit can name another one in the place of its model. */
import type { Ledger, Node } from '../../graph/ledger.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { OCI_DIGEST, parseReference } from '../catalogue/reference.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Workspace } from '../parts.ts'
import type { Kitfile } from './kitfile.ts'

/** The artifact or model that is meant, when it is known in this workspace. A digest names it wherever
 * it was pulled from; a tag only when the host is this server. */
export async function parentIn(
  ledger: Ledger,
  workspace: Workspace,
  { model }: Kitfile,
  hosts: readonly (string | undefined)[],
): Promise<Node | undefined> {
  const [host = '', first, ...rest] = (model?.path ?? '').split('/')
  if (first !== workspace.name || rest.length === 0) return undefined
  const { place } = parseReference(rest.join('/'), workspace.name)
  if (!place) return undefined
  const { repository, digest, tag = 'latest' } = place
  if (digest === undefined && !hosts.includes(host)) return undefined
  const pointer =
    digest !== undefined && OCI_DIGEST.test(digest)
      ? pointerOf.oci(workspace.id, repository, digest)
      : pointerOf.tag(workspace.id, repository, tag)
  const found = await pointerAt(ledger, pointer)
  return found && ledger.node(found.target)
}
