import type { ModelView } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import { placesOf } from '../catalogue/versions.ts'
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
  return viewOf(parts, await findModel(parts.ledger, workspace, text, parts.partOf))
}

async function viewOf({ ledger, people }: Parts, node: Node): Promise<ModelView> {
  const { job, metrics } = node.attributes
  const places = await placesOf(ledger, node.workspace ?? '', node.id)
  return {
    modelId: node.name ?? node.id,
    entity: node.id,
    jobId: typeof job === 'string' ? job : null,
    versions: places.map(({ repository, number }) => `${repository}@v${number}`),
    tree: node.digest!,
    author: await authorOf(ledger, people, node.id),
    at: node.at,
    metrics: (metrics ?? {}) as Metrics,
  }
}
