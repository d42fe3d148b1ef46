/* Purging: the content of an entity goes, although jobs used it or names stand at it. The facts stay,
 * and say who did it, when and why. What other entities share with it stays theirs. */
import type { Actor } from '../../api/actor.ts'
import { type Digest, isDigest, rawOf } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { isId, newId } from '../../api/ids.ts'
import type { PurgeRequest, PurgeView } from '../../api/wire.ts'
import type { Json, Move, NewNode, Node, RecordWrite } from '../../graph/ledger.ts'
import { blobRemoval } from '../blobs/blobs.ts'
import { findEntity } from '../catalogue/find.ts'
import { recordsBelow } from '../ledger-reads.ts'
import type { Workspace } from '../parts.ts'
import { type Kept, rootsOf } from '../remotes/objects.ts'
import type { Rooms } from '../rooms.ts'
import { EPOCH } from './intake.ts'
import { entitiesOf, openKept } from './kept.ts'
import { KeySet } from './key-set.ts'
import { PURGED, purgeOf } from './purged.ts'
import { type Purged, purgeBegun } from './purging.ts'
import { Reach } from './reach.ts'
import { Search } from './search.ts'

const KINDS = ['data', 'model', 'train-source', 'serve-source', 'artifact', 'image'] as const
/** Pointers by which equal content is found again. Names that people gave (versions, tags) stay, and
 * lead to the words of the purge. */
const FOUND_BY = ['bundle', 'composed', 'grid', 'manifest', 'ingested', 'image', 'oci', 'referrer']
const SHARING_SHOWN = 20
const PAGE = 1000

export interface Purging {
  readonly view: PurgeView
  /** What is to be taken away now; undefined when it was purged before. */
  readonly purged: Purged | undefined
}

export async function purge(
  parts: Rooms,
  actor: Actor,
  workspace: Workspace,
  { reference, reason }: PurgeRequest,
): Promise<Purging> {
  const node = await entityOf(parts, workspace, reference)
  const digest = node.digest
  if (digest === undefined) {
    throw new KaosError('BAD_REQUEST', `${node.kind} ${node.name ?? node.id} has no content`)
  }
  const before = await viewOf(parts, node, digest)
  if (before) return { view: before, purged: undefined }
  const purged = { entity: node.id, content: digest }
  const content = new KeySet(32)
  await new Reach(parts.store).content(digest, raw => content.raise(raw))
  const sharing = await sharingWith(parts, node, content)
  const shared = { entities: sharing.length, first: sharing.slice(0, SHARING_SHOWN) }
  const activity = activityOf(node, actor, { reason: reason.toWellFormed(), shared })
  await parts.ledger.commit({
    actor: actor.id,
    organisation: node.organisation,
    expect: [{ pointer: PURGED + node.id, target: null }],
    // Whoever found the content and has not committed yet must look again.
    records: [
      ...(await recordsOf(parts, workspace.id, node, content)),
      { key: EPOCH, value: {} },
      purgeBegun(purged),
    ],
    statements: [
      {
        type: 'content.purged',
        workspace: workspace.id,
        nodes: [activity],
        edges: [{ from: activity.id, relation: 'wasAssociatedWith', to: actor.id }],
        moves: [
          { pointer: PURGED + node.id, target: activity.id },
          ...(await movesOf(parts, workspace.id, node.id)),
        ],
        detail: { entity: node.id, digest, reason: reason.toWellFormed(), shared },
      },
    ],
  })
  return { view: (await viewOf(parts, node, digest))!, purged }
}

async function entityOf(
  { ledger, partOf }: Rooms,
  workspace: Workspace,
  reference: string,
): Promise<Node> {
  if (!isId(reference)) return findEntity(ledger, workspace, reference, KINDS, partOf)
  const node = await ledger.node(reference)
  if (node?.class === 'entity' && node.workspace === workspace.id) return node
  const next = 'give a name as kaos data list shows it, or the id of an entity'
  throw new KaosError(
    'NOT_FOUND',
    `workspace ${workspace.name} has no entity ${reference}; ${next}`,
  )
}

async function viewOf(
  { ledger, people }: Rooms,
  node: Node,
  digest: Digest,
): Promise<PurgeView | undefined> {
  const known = await purgeOf(ledger, node.id)
  if (!known) return undefined
  const { at, reason, by, shared } = known
  const { id: entity, kind, name = entity } = node
  return { entity, kind, name, digest, by: await people.nameOf(by), at, reason, shared }
}

function activityOf(
  { id: entity, digest, workspace }: Node,
  actor: Actor,
  why: { reason: string; shared: PurgeView['shared'] },
): NewNode {
  const attributes = { ...why, by: actor.id, entity, digest: digest! } as Record<string, Json>
  return {
    id: newId(),
    class: 'activity',
    kind: 'purge',
    ...(workspace !== undefined && { workspace }),
    attributes,
  }
}

/** Names of what is kept and has some of the bytes too. */
async function sharingWith({ ledger, store }: Rooms, { id }: Node, content: KeySet) {
  const kept = await openKept(ledger)
  const search = new Search(store, {
    most: 1,
    among: async chunks => chunks.map(one => one.digest).filter(one => content.has(rawOf(one))),
    itself: async digest => content.has(rawOf(digest)),
  })
  const sharing: string[] = []
  for await (const node of entitiesOf(ledger)) {
    if (node.id === id || !(await kept.has(node))) continue
    if ((await search.in(node.digest!)).size === 0) continue
    sharing.push(`${node.kind} ${node.name ?? node.id}`)
  }
  return sharing
}

async function movesOf({ ledger }: Rooms, ws: string, entity: string): Promise<Move[]> {
  const moves: Move[] = []
  for (const kind of FOUND_BY) {
    const prefix = `${kind}/${ws}/`
    for (let after: string | undefined; ; ) {
      const page = await ledger.pointers(prefix, { limit: PAGE, ...(after && { after }) })
      for (const { name, target } of page) {
        if (target === entity) moves.push({ pointer: name, target: null })
      }
      if (page.length < PAGE) break
      after = page.at(-1)?.name
    }
  }
  return moves
}

/** Records of the workspace that hold the content as well: blobs, objects of DVC and Git LFS. */
async function recordsOf(
  { ledger }: Rooms,
  ws: string,
  { id }: Node,
  content: KeySet,
): Promise<RecordWrite[]> {
  const writes: RecordWrite[] = []
  const has = (value: unknown) => isDigest(value) && content.has(rawOf(value))
  for await (const { key, value } of recordsBelow(ledger, `blob/${ws}/`)) {
    const { file, entity } = value as { file?: unknown; entity?: unknown }
    if (entity !== id && !has(file)) continue
    const [, , ...rest] = key.split('/')
    const digest = rest.pop() ?? ''
    writes.push(...blobRemoval(ws, rest.join('/'), digest))
  }
  for (const kind of ['dvc', 'lfs']) {
    for await (const { key, value } of recordsBelow(ledger, `${kind}/${ws}/`)) {
      if (!rootsOf(value as unknown as Kept).some(has)) continue
      writes.push({ key, value: null }, { key: `brought/loose/${key}`, value: null })
    }
  }
  return writes
}
