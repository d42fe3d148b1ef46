/* A manifest arrives: everything it names is here, its layout is put, and one commit says who brought
 * what, makes it the next version of its repository, and moves its tags. The same manifest again makes
 * nothing new but moves tags, and heals what was damaged. */
import type { Actor } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { Expectation, Node, RecordWrite } from '../../graph/ledger.ts'
import { requireComplete } from '../../store/trees.ts'
import { blobWrites } from '../blobs/blobs.ts'
import { planVersion, pointerOf } from '../catalogue/pointers.ts'
import type { Change } from '../catalogue/room.ts'
import { addTags } from '../catalogue/tag.ts'
import { inTurn } from '../catalogue/turns.ts'
import { placeIn } from '../catalogue/versions.ts'
import { pointerAt } from '../ledger-reads.ts'
import { broughtBy, lookAtBrought } from '../quarantine/clean.ts'
import type { Rooms } from '../rooms.ts'
import { artifactStatements } from './artifact.ts'
import type { Additions, Arrived } from './hooks.ts'
import { type Held, putLayout } from './layout.ts'
import type { Manifest } from './manifest.ts'
import { asFiles, blobsOf, childrenOf, readBlob } from './named.ts'
import { type Place, type Registry, requireNotBuilt } from './room.ts'
import { repositoryKey } from './show.ts'

export interface Push {
  readonly actor: Actor
  readonly place: Place
  readonly manifest: Manifest
  readonly tags: readonly string[]
  /** That the client spoke to. */
  readonly host: string
}

/** What is found before the commit is made. */
interface Prepared {
  /** Of the entity, if it becomes a new one. */
  readonly id: string
  readonly blobs: readonly Held[]
  readonly children: readonly Node[]
  readonly arrived: Arrived | undefined
}

/** Tags that clients make to find what refers to a manifest: they name no version. */
const HELPING_TAG = /^sha(256|512)-[0-9a-f]{64}/

/** MANIFEST_BLOB_UNKNOWN when something that it names is not here in the stated size. */
export async function accept(registry: Registry, push: Push): Promise<void> {
  const { parts } = registry
  const { place, manifest } = push
  requireNotBuilt(place)
  await parts.space.require(manifest.bytes.length)
  const children = await childrenOf(registry, place, manifest)
  const blobs = await blobsOf(registry, place, manifest)
  const [id, session] = [newId(), newId()]
  try {
    const known = await isKnown(registry, push)
    // One that is known is unpacked again only to heal its parts.
    const isWhole = known && (await parts.store.damaged()) === 0
    const arrived = isWhole ? undefined : await arrivedOf(registry, push, { id, session, blobs })
    // The layers of a kit may stay what its parts make of them.
    const held = known || arrived ? blobs : await asFiles(registry, session, blobs)
    const prepared = { id, blobs: held, children, arrived }
    await parts.intake.relying(expect =>
      inTurn(parts.ledger, place.ws, place.repository, () =>
        commitPush(registry, push, prepared, expect),
      ),
    )
  } finally {
    await parts.transfer.end(session)
  }
}

async function isKnown({ parts }: Registry, { place, manifest }: Push): Promise<boolean> {
  const pointer = pointerOf.oci(place.ws, place.repository, manifest.digest)
  return (await pointerAt(parts.ledger, pointer)) !== undefined
}

async function arrivedOf(
  registry: Registry,
  { actor, place, manifest, host }: Push,
  { id, session, blobs }: { id: string; session: string; blobs: readonly Held[] },
): Promise<Arrived | undefined> {
  const { workspace, repository } = place
  const { mediaType, bytes } = manifest
  const files = blobs.flatMap(({ digest, found: { record } }) => {
    return 'file' in record ? [[digest, record.file] as const] : []
  })
  return registry.parts.kits.arrived({
    ...{ actor, workspace, repository, artifact: id, mediaType, bytes, session, host },
    files: new Map(files),
    blob: wanted => readBlob(registry, place, wanted),
  })
}

async function commitPush(
  { parts }: Registry,
  push: Push,
  prepared: Prepared,
  relied: readonly Expectation[],
): Promise<void> {
  const { ledger } = parts
  const { actor, place, manifest, tags } = push
  const { ws, repository, workspace } = place
  const pointer = pointerOf.oci(ws, repository, manifest.digest)
  const known = await pointerAt(ledger, pointer)
  const node = known && (await ledger.node(known.target))
  const entity = node?.id ?? prepared.id
  const expect = [...relied, { pointer, target: node?.id ?? null }]
  const change: Change = { expect, statements: [] }
  const records: RecordWrite[] = [{ key: repositoryKey(ws, repository), value: true }]
  if (node === undefined) records.push(...(await addArtifact(parts, push, prepared, change)))
  // Puts again what was found damaged.
  else if (node.kind === 'artifact') await layoutOf(parts, manifest, prepared)
  const isVersion = tags.some(tag => !HELPING_TAG.test(tag))
  if (isVersion && (await placeIn(ledger, ws, entity, repository)) === undefined) {
    const planned = await planVersion(ledger, ws, repository, entity)
    change.expect.push(...planned.expect)
    const detail = { repository, version: planned.number, entity }
    const { moves } = planned
    change.statements.push({ type: 'version.added', workspace: ws, moves, detail })
  }
  const brought = node ? [node] : await broughtBy(ledger, workspace.organisation, change.statements)
  change.expect.push((await lookAtBrought(parts, workspace, brought, isVersion)).expect)
  await addTags(ledger, ws, repository, tags, entity, change)
  if (change.statements.length === 0) return
  const { organisation } = workspace
  await ledger.commit({ actor: actor.id, organisation, ...change, records })
}

/** Adds what makes the artifact's entity; answers the records that go with it. */
async function addArtifact(
  parts: Registry['parts'],
  push: Push,
  prepared: Prepared,
  change: Change,
): Promise<RecordWrite[]> {
  const { ws, repository } = push.place
  const additions = await prepared.arrived?.plan()
  const layout = await layoutOf(parts, push.manifest, prepared, additions)
  const { id, blobs, children } = prepared
  const making = { id, layout, children, additions }
  change.statements.push(...(await artifactStatements(parts, push, making)))
  change.expect.push(...(additions?.expect ?? []))
  const at = new Date(parts.now()).toISOString()
  const recipes = (additions?.recipes ?? []).flatMap(({ digest, size, view }) => {
    return blobWrites(ws, repository, digest, { view, size, at, by: push.actor.id })
  })
  // Written again with the manifest: a collection may have pruned what no manifest named until now.
  const named = blobs.flatMap(({ digest, found: { record } }) => {
    return 'file' in record ? blobWrites(ws, repository, digest, record) : []
  })
  return [...named, ...recipes, ...(additions?.records ?? [])]
}

/** Without the blobs that are made of the artifact's parts. */
async function layoutOf(
  { store }: Registry['parts'],
  manifest: Manifest,
  { blobs, children }: Prepared,
  additions?: Additions,
) {
  const made = new Set(additions?.recipes.map(recipe => recipe.digest))
  const kept = blobs.filter(({ digest, found }) => !made.has(digest) && !('view' in found.record))
  const layout = await putLayout(store, manifest, kept, children)
  await requireWhole(store, layout.digest)
  return { ...layout, bytes: layout.bytes + sizeOf(blobs) - sizeOf(kept) }
}

/** The files were found before the intake's work began, and may have been collected since. */
async function requireWhole(store: Rooms['store'], layout: Digest): Promise<void> {
  try {
    await requireComplete(store, layout)
  } catch (cause) {
    if (!isKaosError(cause, 'BAD_REQUEST')) throw cause
    const message = 'a blob that the manifest names is here no longer; push it again'
    throw new KaosError('MANIFEST_BLOB_UNKNOWN', message, { cause })
  }
}

function sizeOf(blobs: readonly Held[]): number {
  return blobs.reduce((sum, { found }) => sum + found.size, 0)
}
