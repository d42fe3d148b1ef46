/* What a serving image is built from: the source as it was sent, with the files of the model's
 * `model/` folder beside `serve`. The result is an entity of its own that names both. */
import { KaosError } from '../../api/errors.ts'
import { bundleName } from '../../api/ids.ts'
import type { Entry } from '../../api/tree.ts'
import type { NewNode, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf, entryAt, graft, requireComplete } from '../../store/trees.ts'
import type { Board, Plan } from '../jobs/board.ts'
import { readPointer } from '../jobs/reading.ts'

/** Without a model the source itself. */
export async function composeSource(
  board: Board,
  plan: Plan,
  source: Node,
  model: Node | undefined,
): Promise<NewNode> {
  if (!model) return source
  const { ledger } = board.parts
  const pointer = `composed/${source.workspace}/${source.id}/${model.id}`
  const known = await readPointer(ledger, pointer)
  const node = known === null ? undefined : await ledger.node(known)
  if (node) return node
  const composed = await compose(board, source, model)
  plan.expect.push({ pointer, target: null })
  plan.statements.push({
    type: 'source.composed',
    workspace: source.workspace!,
    nodes: [composed],
    edges: [
      { from: composed.id, relation: 'wasDerivedFrom', to: source.id, role: 'code' },
      { from: composed.id, relation: 'wasDerivedFrom', to: model.id, role: 'model' },
      { from: composed.id, relation: 'wasAttributedTo', to: plan.actor },
    ],
    moves: [{ pointer, target: composed.id }],
  })
  return composed
}

async function compose(board: Board, source: Node, model: Node): Promise<NewNode> {
  const { store } = board.parts
  const entries = await filesOf(store, model)
  const tree = await graft(store, source.digest!, ['model'], entries)
  const { files, bytes } = await requireComplete(store, tree)
  const folder = String(source.attributes.folder)
  return {
    id: board.newId(),
    class: 'entity',
    kind: 'source',
    workspace: source.workspace!,
    name: bundleName(folder, tree),
    digest: tree,
    attributes: {
      purpose: 'serve',
      folder,
      composed: true,
      files,
      bytes,
    },
  }
}

/** Those of its `model/` folder. What was trained here has one; a model that was pushed may also be
 * nothing but the files. */
async function filesOf(store: Store, { digest, name, attributes }: Node): Promise<Entry[]> {
  const made = await entryAt(store, digest!, 'model')
  if (made?.kind === 'folder') return entriesOf(store, made.digest)
  if (typeof attributes.job !== 'string') return entriesOf(store, digest!)
  const message = `model ${name} holds no model/ folder, so there is nothing to serve`
  throw new KaosError('MODEL_NOT_FOUND', message)
}
