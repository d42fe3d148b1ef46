/* An artifact's tree: an OCI image layout with the manifest and every blob that it names and that is
 * here, an index with all that is below it. So an artifact is whole by itself, whatever becomes of the
 * repository it was pushed to. */
import type { Digest } from '../../api/digest.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Item } from '../../store/folders.ts'
import { FileReader, putFolder, walkTree } from '../../store/trees.ts'
import { type Found, layoutPath } from '../blobs/blobs.ts'
import type { Rooms } from '../rooms.ts'
import { IMAGE_INDEX, type Manifest } from './manifest.ts'

type Store = Rooms['store']

/** A blob that a layout holds: in the store as a file, or bytes that are read when they are needed. */
export interface Held {
  readonly digest: string
  readonly found: Found
}

const BLOBS = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/

/** Puts the layout. Blobs of views are files already (`asFile`). */
export async function putLayout(
  store: Store,
  manifest: Manifest,
  blobs: readonly Held[],
  children: readonly Node[],
): Promise<{ digest: Digest; bytes: number }> {
  const { digest, mediaType, bytes } = manifest
  const items = new Map<string, Item>()
  const add = (item: Item) => items.has(item.path) || items.set(item.path, item)
  const top = [{ mediaType, digest, size: bytes.length }]
  add({ path: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) })
  add({
    path: 'index.json',
    content: json({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: top }),
  })
  add({ path: layoutPath(digest), content: bytes })
  for (const blob of blobs) add(itemOf(blob))
  for (const child of children) {
    for await (const item of itemsOf(store, child)) add(item)
  }
  return putFolder(store, items.values())
}

/** The blobs of an artifact or image, its manifests among them. */
export async function* blobsIn(
  store: Store,
  node: Node,
): AsyncGenerator<{ digest: string; size: number }> {
  if (node.digest === undefined) return
  for await (const { path, entry } of walkTree(store, node.digest)) {
    const [, algorithm, hex] = BLOBS.exec(path) ?? []
    if (algorithm !== undefined) yield { digest: `${algorithm}:${hex}`, size: entry.size }
  }
}

async function* itemsOf(store: Store, node: Node): AsyncGenerator<Item> {
  if (node.digest === undefined) return
  const reader = new FileReader(store)
  for await (const { path, entry } of walkTree(store, node.digest)) {
    if (!BLOBS.test(path)) continue
    if (entry.within === undefined) yield { path, file: entry.digest, size: entry.size }
    else yield { path, content: await reader.whole(entry, entry.size) }
  }
}

function itemOf({ digest, found }: Held): Item {
  const path = layoutPath(digest)
  const { file, size } = found
  return file === undefined ? { path, content: found.read() } : { path, file, size }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
