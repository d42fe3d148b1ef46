/** The bundle that somebody means: by id, `mnist:e23a2`, digest, version or tag. */
import type { BundleKind } from '../../api/bundle.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { findEntity, type PartOf } from '../catalogue/find.ts'
import type { Workspace } from '../parts.ts'

/** The newest that fits. BUNDLE_NOT_FOUND when none does. A model can be what a training reads: one to
 * begin from, or to compare with. */
export function findBundle(
  ledger: Ledger,
  workspace: Workspace,
  kind: BundleKind,
  text: string,
  partOf?: PartOf,
): Promise<Node> {
  return findEntity(ledger, workspace, text, kind === 'data' ? ['data', 'model'] : [kind], partOf)
}
