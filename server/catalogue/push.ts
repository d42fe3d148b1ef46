/* A folder that was sent becomes the next version of its repository. What the newest version has
 * already makes none, but tags that are given move all the same. */
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { bundleName, newId } from '../../api/ids.ts'
import type { PushRequest } from '../../api/wire.ts'
import type { Expectation, Json, NewEdge, Node } from '../../graph/ledger.ts'
import { readMetrics } from '../attempts/metrics.ts'
import { bundlePointer } from '../bundles/bundles.ts'
import { requireFolderName } from '../bundles/rules.ts'
import { isPurged } from '../care/purged.ts'
import { pointerAt } from '../ledger-reads.ts'
import { broughtBy, lookAtBrought } from '../quarantine/clean.ts'
import { planAbout } from './describe.ts'
import { findEntity } from './find.ts'
import { folderOf, repositoryNamed } from './names.ts'
import { type Moving, planVersion, requireRepository, requireTag } from './pointers.ts'
import {
  type Asked,
  type Change,
  commitOnce,
  madeBefore,
  type Room,
  requireSameKind,
} from './room.ts'
import { addTags } from './tag.ts'
import { inTurn } from './turns.ts'
import { placeIn } from './versions.ts'

export interface Pushed {
  readonly repository: string
  readonly version: number
  readonly entity: string
  readonly unchanged: boolean
  readonly moved: string[]
  readonly warnings: string[]
}

/** The request with its names settled. */
interface Order extends Omit<PushRequest, 'upload' | 'from'> {
  readonly repository: string
  readonly tree: Digest
  readonly tags: string[]
  readonly from: Node | undefined
}

interface Extent {
  readonly files: number
  readonly bytes: number
}

/** What the version in the making is to be. */
interface Next {
  readonly id: string
  readonly before: Node | undefined
  readonly extent: Extent
  /** Takes what could not be read of its metrics. */
  readonly warnings: string[]
}

export async function push(
  room: Room,
  asked: Asked,
  session: string,
  request: PushRequest,
): Promise<Pushed> {
  const { ledger, intake, transfer } = room
  const { id: ws } = asked.workspace
  const order = await orderOf(room, asked, request)
  return intake.relying(async relied => {
    // Also of what is there already: what it is made of may have been damaged or purged since.
    const extent = await transfer.accept(session, ws, order.tree)
    return inTurn(ledger, ws, order.repository, () => pushed(room, asked, order, extent, relied))
  })
}

async function orderOf(
  { ledger, partOf }: Room,
  { workspace }: Asked,
  { upload: _, from, ...request }: PushRequest,
): Promise<Order> {
  requireFolderName(request.folder)
  const repository = requireRepository(
    request.repository ?? repositoryNamed(request.folder, request.kind),
  )
  const kinds = [request.kind, 'data', 'model', 'artifact'] as const
  return {
    ...request,
    repository,
    folder: request.repository === undefined ? request.folder : folderOf(repository),
    tree: request.tree as Digest,
    tags: [...new Set(request.tags ?? [])].map(requireTag),
    from: from === undefined ? undefined : await findEntity(ledger, workspace, from, kinds, partOf),
  }
}

async function pushed(
  room: Room,
  asked: Asked,
  order: Order,
  extent: Extent,
  relied: readonly Expectation[],
): Promise<Pushed> {
  const { ledger } = room
  const { repository } = order
  const ws = asked.workspace.id
  const made = await madeBefore<Pushed>(ledger, asked)
  if (made) return made
  const newest = await requireSameKind(ledger, ws, repository, order.kind)
  const change: Change = { expect: [...relied], statements: [] }
  const equal = newest?.digest === order.tree && newest.kind === order.kind
  const unchanged = equal && !(await isPurged(ledger, newest.id))
  const entity = unchanged ? newest.id : newId()
  const warnings: string[] = []
  const next = { id: entity, before: newest, extent, warnings }
  const version = unchanged
    ? ((await placeIn(ledger, ws, entity, repository)) ?? 0)
    : await addVersion(room, asked, order, change, next)
  const { organisation } = asked.workspace
  const brought =
    newest && unchanged ? [newest] : await broughtBy(ledger, organisation, change.statements)
  const clean = await lookAtBrought(room, asked.workspace, brought, order.tags.length > 0)
  change.expect.push(clean.expect)
  warnings.push(...clean.warnings)
  const moved = await addTags(ledger, ws, repository, order.tags, entity, change)
  const about = await planAbout(ledger, asked.actor, asked.workspace, repository, order.about ?? {})
  if (about) {
    change.expect.push(...about.expect)
    change.statements.push(about.statement)
  }
  const result = { repository, version, entity, unchanged, moved, warnings }
  await commitOnce(room, asked, change, result)
  return result
}

/** States the import of the folder and its number; answers the number. */
async function addVersion(
  room: Room,
  { actor, workspace }: Asked,
  order: Order,
  change: Change,
  { id, before, extent, warnings }: Next,
): Promise<number> {
  const { ledger, space } = room
  await space.require()
  const { kind, folder, tree, repository, message } = order
  const of = { workspace: workspace.id }
  const attributes = await attributesOf(room, order, extent, warnings)
  const { number, expect, moves } = await planVersion(ledger, workspace.id, repository, id)
  const bundle = await planBundle(room, workspace.id, order, id)
  const activity = newId()
  const edges: NewEdge[] = [
    { from: activity, relation: 'wasAssociatedWith', to: actor.id },
    { from: id, relation: 'wasGeneratedBy', to: activity },
    { from: id, relation: 'wasAttributedTo', to: actor.id },
  ]
  // What somebody says it was made of, it was made of; what stood here before, it only comes after.
  if (order.from) edges.push({ from: id, relation: 'wasDerivedFrom', to: order.from.id })
  else if (before) {
    edges.push({ from: id, relation: 'wasDerivedFrom', to: before.id, role: 'revision' })
  }
  const said = message?.toWellFormed().trim()
  change.expect.push(...expect, ...bundle.expect)
  change.statements.push({
    type: 'version.pushed',
    ...of,
    nodes: [
      { id: activity, class: 'activity', kind: 'import', ...of, attributes: {} },
      {
        id,
        class: 'entity',
        kind,
        ...of,
        digest: tree,
        name: bundleName(folder, tree),
        attributes: { folder, author: actor.id, ...attributes },
      },
    ],
    edges,
    moves: [...moves, ...bundle.moves],
    detail: { repository, version: number, ...(said && { message: said }) },
  })
  return number
}

async function attributesOf(
  { store }: Room,
  { kind, folder, tree }: Order,
  { files, bytes }: Extent,
  warnings: string[],
): Promise<Record<string, Json>> {
  if (files === 0) {
    throw new KaosError('INVALID_BUNDLE', `${folder} has no files; put at least one into it`)
  }
  if (kind === 'data') return { files, bytes }
  const found = await readMetrics(store, tree)
  warnings.push(...found.warnings)
  return { files, bytes, metrics: found.metrics }
}

/** A later deploy of the same folder finds this data set, unless it was sent before. */
async function planBundle(
  { ledger }: Room,
  ws: string,
  { kind, folder, tree }: Order,
  id: string,
): Promise<Moving> {
  if (kind !== 'data') return { expect: [], moves: [] }
  const pointer = bundlePointer(ws, { kind, folder, tree })
  if (await pointerAt(ledger, pointer)) return { expect: [], moves: [] }
  return { expect: [{ pointer, target: null }], moves: [{ pointer, target: id }] }
}
