/* How a model came to be, read from the ledger: the drawing's boxes are looked up along the edges
 * from the model upwards. */
import { KaosError } from '../../api/errors.ts'
import type { TrainDrawing, Used } from '../../graph/drawing/drawing.ts'
import type { Graph, Node } from '../../graph/ledger.ts'
import { entriesOf, entryAt } from '../../store/trees.ts'
import { authorOf } from '../jobs/authors.ts'
import type { Parts } from '../parts.ts'

/** The drawing of a model, from its lineage. */
export async function trainDrawing(
  parts: Parts,
  workspace: string,
  graph: Graph,
  model: Node,
): Promise<TrainDrawing> {
  const trial = upstream(graph, model.id, 'wasGeneratedBy')
  const image = upstream(graph, trial.id, 'used', 'image')
  const data = upstream(graph, trial.id, 'used', 'data')
  const build = upstream(graph, image.id, 'wasGeneratedBy')
  const source = upstream(graph, build.id, 'used', 'code')
  const hyper = find(graph, trial.id, 'used', 'hyperparams')
  const file = (model.attributes.hyper as { file?: string } | null)?.file
  return {
    workspace,
    source: bundle(source),
    image: bundle(image),
    data: bundle(data),
    ...(hyper ? { hyper: { path: `/${hyper.name}/${file}`, commit: hyper.id } } : {}),
    model: {
      path: `/${String(model.attributes.suffix)}/${await modelFile(parts, model)}`,
      commit: model.id,
      id: model.name!,
    },
    author: await authorOf(parts.ledger, parts.people, model.id),
    at: model.at,
  }
}

export function bundle(node: Node): Used {
  return { path: `/${node.name}`, commit: node.id }
}

/** What the node points to by this edge. */
export function find(
  graph: Graph,
  from: string,
  relation: string,
  role?: string,
): Node | undefined {
  const edge = graph.edges.find(
    one => one.from === from && one.relation === relation && (!role || one.role === role),
  )
  return edge && graph.nodes.find(node => node.id === edge.to)
}

export function upstream(graph: Graph, from: string, relation: string, role?: string): Node {
  const found = find(graph, from, relation, role)
  if (found) return found
  const what = `the history of ${from} is not complete: it has no ${role ?? relation}`
  throw new KaosError('INTERNAL', graph.truncated ? `${what} among its first steps` : what)
}

/** `model/model.pkl`: the file when there is one, else the folder. */
async function modelFile({ store }: Parts, model: Node): Promise<string> {
  const folder = await entryAt(store, model.digest!, 'model')
  if (folder?.kind !== 'folder') return ''
  const files = await entriesOf(store, folder.digest)
  return files.length === 1 ? `model/${files[0]!.name}` : 'model'
}
