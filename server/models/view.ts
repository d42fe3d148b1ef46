import type { ModelView } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import { authorOf } from '../jobs/authors.ts'
import type { Metrics } from '../jobs/records.ts'
import type { Parts, Workspace } from '../parts.ts'
import { findModel, modelsOf } from './find.ts'

/** Models shown in one listing; older ones are found by their id. */
const LISTED_MAX = 10_000

export async function listModels(parts: Parts, workspace: Workspace): Promise<ModelView[]> {
  const views: ModelView[] = []
  for await (const node of modelsOf(parts.ledger, workspace)) {
    views.push(await viewOf(parts, node))
    if (views.length >= LISTED_MAX) break
  }
  return views
}

export async function showModel(
  parts: Parts,
  workspace: Workspace,
  text: string,
): Promise<ModelView> {
  return viewOf(parts, await findModel(parts.ledger, workspace, text))
}

async function viewOf({ ledger, people }: Parts, node: Node): Promise<ModelView> {
  return {
    modelId: node.name!,
    entity: node.id,
    jobId: String(node.attributes.job),
    tree: node.digest!,
    author: await authorOf(ledger, people, node.id),
    at: node.at,
    metrics: node.attributes.metrics as Metrics,
  }
}
