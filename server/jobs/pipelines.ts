/* What a workspace consists of, in the words of the original: pipelines compute, repositories hold.
 * Named are those that exist. */
import type { NodeQuery } from '../../graph/ledger.ts'
import type { Workspace } from '../parts.ts'
import { endpointsOf } from '../serve/endpoints.ts'
import type { Board } from './board.ts'

export interface Parts {
  readonly pipelines: string[]
  readonly repos: string[]
}

const LOOKED_AT = 1000

export async function pipelinesOf(board: Board, workspace: Workspace): Promise<Parts> {
  const { id, organisation, name } = workspace
  const { ledger } = board.parts
  const purposes = async (kind: string): Promise<Set<unknown>> => {
    const query: NodeQuery = { organisation, workspace: id, kind, limit: LOOKED_AT }
    return new Set((await ledger.nodes(query)).map(node => node.attributes.purpose ?? kind))
  }
  const [sources, builds, manifests, data, hyper, trainings, models] = await Promise.all(
    ['source', 'build', 'manifest', 'data', 'hyperparams', 'train', 'model'].map(purposes),
  )
  const named = (parts: [string, boolean][]): string[] =>
    parts.filter(([, exists]) => exists).map(([part]) => `${part}-${name}`)
  const repos = named([
    ['source-train', sources!.has('train')],
    ['source-serve', sources!.has('serve')],
    ['build-train', builds!.has('train')],
    ['build-serve', builds!.has('serve')],
    ['data-manifest', manifests!.size > 0],
    ['data', data!.size > 0],
    ['hyper', hyper!.size > 0],
    ['train', models!.size > 0],
  ])
  const pipelines = named([
    ['build-train', builds!.has('train')],
    ['train', trainings!.size > 0],
    ['build-serve', builds!.has('serve')],
  ])
  const serving = endpointsOf(board, id).map(endpoint => endpoint.name)
  return { pipelines: [...pipelines, ...serving], repos }
}
