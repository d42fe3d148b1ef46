/* How a model that was not trained here came to be: who pushed it, and what from. */
import type { PushDrawing, Used } from '../../graph/drawing/drawing.ts'
import type { Graph, Node } from '../../graph/ledger.ts'
import { type Place, placesOf } from '../catalogue/versions.ts'
import { authorOf } from '../jobs/authors.ts'
import type { Parts, Workspace } from '../parts.ts'
import { find } from './train.ts'

export function isTrained(graph: Graph, model: Node): boolean {
  return find(graph, model.id, 'wasGeneratedBy')?.kind === 'trial'
}

export async function pushDrawing(
  parts: Parts,
  workspace: Workspace,
  graph: Graph,
  model: Node,
): Promise<PushDrawing> {
  const { ledger, people } = parts
  const sources = graph.edges
    .filter(({ from, relation }) => from === model.id && relation === 'wasDerivedFrom')
    .flatMap(({ to }) => graph.nodes.find(node => node.id === to) ?? [])
  const shown = async (node: Node): Promise<Used & { repository: string }> => {
    const [place] = await placesOf(ledger, workspace.id, node.id)
    const repository = place?.repository ?? `${node.kind}-${workspace.name}`
    return { path: pathOf(node, place), commit: node.id, repository }
  }
  return {
    workspace: workspace.name,
    from: await Promise.all(sources.map(shown)),
    model: await shown(model),
    author: await authorOf(ledger, people, model.id),
    at: model.at,
  }
}

function pathOf({ name, id }: Node, place: Place | undefined): string {
  return place ? `/${place.repository}@v${place.number}` : `/${name ?? id}`
}
