/** The model that somebody means: its id, a unique part of it, a version, a tag, a digest, @latest. */
import type { Ledger, Node } from '../../graph/ledger.ts'
import { nodesOf } from '../catalogue/candidates.ts'
import { findEntity, type PartOf } from '../catalogue/find.ts'
import type { Workspace } from '../parts.ts'

export function findModel(
  ledger: Ledger,
  workspace: Workspace,
  text: string,
  partOf?: PartOf,
): Promise<Node> {
  return findEntity(ledger, workspace, text, ['model'], partOf)
}

/** All of a workspace, newest first. */
export function modelsOf(ledger: Ledger, workspace: Workspace): AsyncGenerator<Node> {
  return nodesOf(ledger, workspace, 'model')
}
