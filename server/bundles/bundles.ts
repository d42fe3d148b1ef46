/* Bundles: a folder that was sent becomes an entity of the workspace. The same folder again is the
 * same entity: a pointer named by workspace, kind, folder and tree says so. */
import type { Actor } from '../../api/actor.ts'
import type { BundleKind } from '../../api/bundle.ts'
import { type Digest, hexOf } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { bundleName, newId } from '../../api/ids.ts'
import type { BundleView } from '../../api/wire.ts'
import type { Commit, Expectation, Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { planImported, repositoryOfFolder } from '../catalogue/imported.ts'
import type { Moving } from '../catalogue/pointers.ts'
import { inTurn } from '../catalogue/turns.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Intake, People, Settings, Transfer, Workspace } from '../parts.ts'
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
  /** BAD_REQUEST, with path and digest, when anything of the tree is missing or damaged;
   * INVALID_BUNDLE when it breaks a rule. */
  add(actor: Actor, workspace: Workspace, order: BundleOrder): Promise<BundleView>
}

interface Options {
  readonly settings: Settings
  readonly ledger: Ledger
  readonly store: Store
  readonly people: People
  readonly transfer: Transfer
  readonly intake: Intake
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

  async function added(
    actor: Actor,
    workspace: Workspace,
    order: BundleOrder,
    relied: readonly Expectation[],
  ): Promise<BundleView> {
    const { id: ws } = workspace
    const pointer = bundlePointer(ws, order)
    // Also of one that is known: what it is made of may have been damaged or purged since.
    const extent = await transfer.accept(order.session, ws, order.tree)
    const known = await existing(pointer)
    if (known) return known
    await space.require()
    await requireBundle(store, { ...order, ...extent }, settings.runner)
    const id = newId()
    const other = await inTurn(ledger, ws, repositoryOfFolder(order.folder), async () => {
      // Somebody may have sent the same folder at the same time.
      const known = await existing(pointer)
      if (known) return known
      const placed = await planImported(ledger, ws, order, id)
      const made = importOf(actor, workspace, order, extent, { id, pointer, placed })
      await ledger.commit({ ...made, expect: [...(made.expect ?? []), ...relied] })
      return undefined
    })
    if (other) return other
    const node = await ledger.node(id)
    if (!node) throw new KaosError('INTERNAL', 'a bundle is not in the ledger after its import')
    return viewOf(node)
  }

  return {
    async add(actor, workspace, order) {
      requireFolderName(order.folder)
      return options.intake.relying(relied => added(actor, workspace, order, relied))
    },
  }
}

function importOf(
  actor: Actor,
  workspace: Workspace,
  { kind, folder, tree }: BundleOrder,
  { files, bytes }: Extent,
  { id, pointer, placed }: { id: string; pointer: string; placed: Moving },
): Commit {
  const activity = newId()
  const purpose = kind === 'train-source' ? 'train' : kind === 'serve-source' ? 'serve' : undefined
  const attributes = { folder, files, bytes, author: actor.id, ...(purpose && { purpose }) }
  const of = { workspace: workspace.id }
  return {
    actor: actor.id,
    organisation: workspace.organisation,
    expect: [{ pointer, target: null }, ...placed.expect],
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
        moves: [{ pointer, target: id }, ...placed.moves],
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
