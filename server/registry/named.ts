/* What a manifest names, as its repository has it. */
import { KaosError } from '../../api/errors.ts'
import type { Node } from '../../graph/ledger.ts'
import { blobAt, type Found, takeBlob } from '../blobs/blobs.ts'
import { findManifest } from './find.ts'
import type { Held } from './layout.ts'
import type { Descriptor, Manifest } from './manifest.ts'
import { blobUnknown } from './refusals.ts'
import { type Place, type Registry, readingOf } from './room.ts'

/** The blobs that have to be here, and of the others those that are. MANIFEST_BLOB_UNKNOWN when one is
 * missing, damaged, or of another size. */
export async function blobsOf(
  registry: Registry,
  place: Place,
  { blobs, elsewhere }: Manifest,
): Promise<Held[]> {
  const held = new Map<string, Held>()
  for (const descriptor of blobs) {
    const known = held.get(descriptor.digest)?.found
    const found = known ?? (await soundBlob(registry, place, descriptor))
    if (found?.size !== descriptor.size) throw missing(descriptor)
    held.set(descriptor.digest, { digest: descriptor.digest, found })
  }
  for (const descriptor of elsewhere) {
    const found = await soundBlob(registry, place, descriptor)
    if (found) held.set(descriptor.digest, { digest: descriptor.digest, found })
  }
  return [...held.values()]
}

/** The manifests that an index names. Some indexes list layers (caches of builds): then it is enough
 * that the blob is here. */
export async function childrenOf(
  registry: Registry,
  place: Place,
  { manifests }: Manifest,
): Promise<Node[]> {
  const children = new Map<string, Node>()
  for (const descriptor of manifests) {
    const found = await findManifest(registry, place, descriptor.digest)
    if (found?.size === descriptor.size) children.set(found.entity.id, found.entity)
    else if (!(await soundBlob(registry, place, descriptor))) throw missing(descriptor)
  }
  return [...children.values()]
}

async function soundBlob(
  registry: Registry,
  { ws, repository }: Place,
  { digest, size }: Descriptor,
): Promise<Found | undefined> {
  const found = await blobAt(readingOf(registry), ws, repository, digest)
  return found?.size === size && (await found.isSound()) ? found : undefined
}

/** The bytes of a blob of this repository. */
export async function* readBlob(
  registry: Registry,
  { ws, repository }: Place,
  digest: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const blob = await blobAt(readingOf(registry), ws, repository, digest)
  if (!blob) throw blobUnknown(digest)
  yield* blob.read()
}

/** The same blobs, those that are made when they are read as files now: cut at the borders of what
 * they hold, so that they cost next to nothing. Noted under the session. */
export async function asFiles(
  registry: Registry,
  session: string,
  blobs: readonly Held[],
): Promise<Held[]> {
  const files: Held[] = []
  for (const one of blobs) {
    const { digest, found } = one
    if (!('view' in found.record)) files.push(one)
    else files.push({ digest, found: await fileOf(registry, session, found) })
  }
  return files
}

async function fileOf({ parts }: Registry, session: string, found: Found): Promise<Found> {
  const taken = await takeBlob(parts, { session, source: found.read(), hashes: [] })
  await taken.keepNoted()
  const { file, size } = taken
  return { ...found, file, record: { file, size, at: found.record.at } }
}

function missing({ digest, size }: Descriptor): KaosError {
  const message = `the manifest names ${digest} (${size} bytes), which is not here; push it first`
  return new KaosError('MANIFEST_BLOB_UNKNOWN', message, { detail: { digest, size } })
}
