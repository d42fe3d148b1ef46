/* Finding the manifest that a reference means: one that was pushed, an image that kaos built, or the
 * form in which data and models are shown. What is shown for the first time becomes findable by its
 * digest (show.ts). */
import { isKaosError } from '../../api/errors.ts'
import type { Node } from '../../graph/ledger.ts'
import { entryAt, readSmallFile } from '../../store/trees.ts'
import { blobAt, layoutPath } from '../blobs/blobs.ts'
import { nodesOf } from '../care/kept.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { versionAt } from '../catalogue/versions.ts'
import { pointerAt, recordAt } from '../ledger-reads.ts'
import { IMAGE_MANIFEST, MANIFEST_MAX } from './manifest.ts'
import { manifestUnknown } from './refusals.ts'
import { isBuilt, type Place, type Registry, readingOf } from './room.ts'
import { type Form, formKey, formOfKey, show } from './show.ts'

export interface FoundManifest {
  readonly digest: string
  readonly mediaType: string
  readonly artifactType: string | undefined
  readonly size: number
  readonly entity: Node
  /** The exact bytes. MANIFEST_UNKNOWN when they are damaged: whoever has them pushes them again. */
  read(): Promise<Buffer>
}

export async function findManifest(
  registry: Registry,
  place: Place,
  reference: string,
): Promise<FoundManifest | undefined> {
  if (reference.includes(':')) return byDigest(registry, place, reference)
  const node = await tagged(registry, place, reference)
  return node && ofEntity(registry, place, node)
}

/** The entity that a tag stands at, one that nobody had to move included: `v3` of data and models, the
 * hash of an image that kaos built, and what stands after the colon of a bundle's or model's own name
 * (`mnist:e23a2`, `e23a2_9fd9d:b82151`). */
export async function tagged(
  { parts: { ledger } }: Registry,
  { ws, repository, workspace }: Place,
  tag: string,
): Promise<Node | undefined> {
  const pointer = await pointerAt(ledger, pointerOf.tag(ws, repository, tag))
  if (pointer) return ledger.node(pointer.target)
  const number = /^v([1-9]\d{0,7})$/.exec(tag)?.[1]
  const version = number && (await versionAt(ledger, ws, repository, Number(number)))
  const node = version ? await ledger.node(version.entity) : undefined
  if (node && isShown(node)) return node
  const { id, organisation } = workspace
  const name = `${repository}:${tag}`
  const named = await ledger.nodes({ organisation, workspace: id, name, limit: NAMED_MAX })
  return named.find(one => isShown(one) || (one.kind === 'image' && one.attributes.manifest))
}

/** Whether it is no manifest itself but can be seen as one. */
export function isShown({ kind }: Node): boolean {
  return kind === 'data' || kind === 'model' || kind === 'source'
}

/** Things of one name that are looked through. */
const NAMED_MAX = 100

/** Images of a repository that kaos built, newest first. */
export async function* builtImages(
  { parts: { ledger } }: Registry,
  { workspace }: Place,
  repository?: string,
): AsyncGenerator<Node> {
  const { id, organisation } = workspace
  for await (const node of nodesOf(ledger, { organisation, workspace: id, kind: 'image' })) {
    const own = repository === undefined || node.name?.startsWith(`${repository}:`)
    if (own && node.attributes.manifest) yield node
  }
}

async function byDigest(
  registry: Registry,
  place: Place,
  digest: string,
): Promise<FoundManifest | undefined> {
  const { ledger } = registry.parts
  const { ws, repository } = place
  const pointer = await pointerAt(ledger, pointerOf.oci(ws, repository, digest))
  const node = pointer && (await ledger.node(pointer.target))
  if (node) return inRepository(registry, place, node, digest)
  if (!isBuilt(place, repository)) return undefined
  for await (const image of builtImages(registry, place, repository)) {
    if (image.attributes.manifest === digest) return ofEntity(registry, place, image)
  }
  return undefined
}

async function ofEntity(
  registry: Registry,
  place: Place,
  node: Node,
): Promise<FoundManifest | undefined> {
  const { ledger } = registry.parts
  const { ws, repository } = place
  const own = node.attributes.manifest
  const form = await recordAt(ledger, formOfKey(ws, repository, node.id))
  const digest = typeof own === 'string' ? own : form?.value
  if (typeof digest === 'string') {
    const pointer = await pointerAt(ledger, pointerOf.oci(ws, repository, digest))
    if (pointer) return inRepository(registry, place, node, digest)
  }
  const shown = await show(registry, place, node)
  return shown === undefined ? undefined : inRepository(registry, place, node, shown)
}

async function inRepository(
  registry: Registry,
  place: Place,
  entity: Node,
  digest: string,
): Promise<FoundManifest | undefined> {
  const { ledger, store } = registry.parts
  const { ws, repository } = place
  const record = await recordAt(ledger, formKey(ws, repository, digest))
  const form = record?.value as unknown as Form | undefined
  if (form) {
    const read = async () => {
      const blob = await blobAt(readingOf(registry), ws, repository, digest)
      if (!blob) throw manifestUnknown(digest)
      return Buffer.concat(await Array.fromAsync(blob.read()))
    }
    return { entity, digest, ...form, read: () => sound(digest, read) }
  }
  const { mediaType, artifactType } = entity.attributes
  const entry = entity.digest && (await entryAt(store, entity.digest, layoutPath(digest)))
  if (!entry) return undefined
  return {
    entity,
    digest,
    mediaType: typeof mediaType === 'string' ? mediaType : IMAGE_MANIFEST,
    artifactType: typeof artifactType === 'string' ? artifactType : undefined,
    size: entry.size,
    read: () => sound(digest, () => readSmallFile(store, entry, MANIFEST_MAX)),
  }
}

async function sound(digest: string, read: () => Promise<Buffer>): Promise<Buffer> {
  try {
    return await read()
  } catch (error) {
    const isLost = isKaosError(error, 'OBJECT_DAMAGED') || isKaosError(error, 'OBJECT_UNKNOWN')
    throw isLost ? manifestUnknown(digest, error) : error
  }
}
