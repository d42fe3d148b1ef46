/* Bundles: a folder that was sent becomes an entity of the workspace. The same folder again is the
 * same entity: a pointer named by workspace, kind, folder and tree says so. */
import type { Actor } from '../../api/actor.ts'
import type { BundleKind } from '../../api/bundle.ts'
import { type Digest, hexOf } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { bundleName, newId } from '../../api/ids.ts'
import type { BundleView } from '../../api/wire.ts'
import type { Commit, Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { People, Settings, Transfer, Workspace } from '../parts.ts'
import type { Space } from '../system/space.ts'
import { requireBundle, requireFolderName } from './rules.ts'

export interface BundleOrder {
  /** Transfer session that the tree came under. */
  readonly session: string
  readonly kind: BundleKind
  readonly folder: string
  readonly tree: Digest
}

export interface Bundles {
  /** OBJECT_UNKNOWN when parts of the tree were not sent, INVALID_BUNDLE when it breaks a rule. */
  add(actor: Actor, workspace: Workspace, order: BundleOrder): Promise<BundleView>
}

interface Options {
  readonly settings: Settings
  readonly ledger: Ledger
  readonly store: Store
  readonly people: People
  readonly transfer: Transfer
  readonly space: Space
}

interface Extent {
  readonly files: number
  readonly bytes: number
}

export function openBundles(options: Options): Bundles {
  const { ledger, store, people, transfer, space, settings } = options

  async function existing(pointer: string): Promise<BundleView | undefined> {
    const known = await pointerAt(ledger, pointer)
    const node = known && (await ledger.node(known.target))
    return node && { ...(await viewOf(node)), unchanged: true }
  }

  async function viewOf(node: Node): Promise<BundleView> {
    const { id, name = '', digest, attributes, at } = node
    const { folder, files, bytes, purpose, author } = attributes
    return {
      id,
      kind: purpose === undefined ? 'data' : `${purpose}-source`,
      name,
      path: `/${name}`,
      folder: String(folder),
      tree: digest ?? '',
      files: Number(files),
      bytes: Number(bytes),
      author: await people.nameOf(String(author)),
      at,
      unchanged: false,
    }
  }

  return {
    async add(actor, workspace, order) {
      requireFolderName(order.folder)
      const pointer = bundlePointer(workspace.id, order)
      const known = await existing(pointer)
      if (known) return known
      await space.require()
      const extent = await transfer.accept(order.session, workspace.id, order.tree)
      await requireBundle(store, { ...order, ...extent }, settings.runner)
      const id = newId()
      try {
        await ledger.commit(importOf(actor, workspace, order, extent, { id, pointer }))
      } catch (error) {
        // Somebody sent the same folder at the same time.
        const other = isKaosError(error, 'CONFLICT') ? await existing(pointer) : undefined
        if (other) return other
        throw error
      }
      const node = await ledger.node(id)
      if (!node) throw new KaosError('INTERNAL', 'a bundle is not in the ledger after its import')
      return viewOf(node)
    },
  }
}

function importOf(
  actor: Actor,
  workspace: Workspace,
  { kind, folder, tree }: BundleOrder,
  { files, bytes }: Extent,
  { id, pointer }: { id: string; pointer: string },
): Commit {
  const activity = newId()
  const purpose = kind === 'train-source' ? 'train' : kind === 'serve-source' ? 'serve' : undefined
  const attributes = { folder, files, bytes, author: actor.id, ...(purpose && { purpose }) }
  const of = { workspace: workspace.id }
  return {
    actor: actor.id,
    organisation: workspace.organisation,
    expect: [{ pointer, target: null }],
    statements: [
      {
        type: 'bundle.imported',
        ...of,
        nodes: [
          { id: activity, class: 'activity', kind: 'import', ...of, attributes: {} },
          {
            id,
            class: 'entity',
            kind: purpose ? 'source' : 'data',
            ...of,
            digest: tree,
            name: bundleName(folder, tree),
            attributes,
          },
        ],
        edges: [
          { from: activity, relation: 'wasAssociatedWith', to: actor.id },
          { from: id, relation: 'wasGeneratedBy', to: activity },
          { from: id, relation: 'wasAttributedTo', to: actor.id },
        ],
        moves: [{ pointer, target: id }],
      },
    ],
  }
}

/** Names the entity of a folder in a workspace. */
export function bundlePointer(
  workspace: string,
  { kind, folder, tree }: Omit<BundleOrder, 'session'>,
): string {
  return `bundle/${workspace}/${kind}/${folder}/${hexOf(tree)}`
}
