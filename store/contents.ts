/* Reading files and folders by digest and path. */
import type { Digest } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { chunksIn, sizeIn } from '../api/transfer/list.ts'
import { decodeTree, type Entry } from '../api/tree.ts'
import { ahead } from './ahead.ts'
import { damaged } from './refusals.ts'
import type { Store } from './store.ts'

/** Chunks fetched before they are asked for. */
const AHEAD = 8

/** What lies in the folder with this tree. */
export async function entriesOf(store: Store, tree: Digest): Promise<Entry[]> {
  return decodeTree(await store.get(tree))
}

/** What lies at this path (`model/train`, without a slash at either end); undefined if nothing. */
export async function entryAt(
  store: Store,
  tree: Digest,
  path: string,
): Promise<Entry | undefined> {
  let found: Entry | undefined
  let folder: Digest | undefined = tree
  for (const name of path.split('/')) {
    if (folder === undefined) return undefined
    found = (await entriesOf(store, folder)).find(entry => entry.name === name)
    folder = found?.kind === 'folder' ? found.digest : undefined
  }
  return found
}

/** The bytes of a file, each chunk verified before any of its bytes are given out. */
export async function* readFile(
  store: Store,
  file: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* readChunks(store, await store.get(file))
}

/** The chunks of an encoded file list, verified, with the stated lengths. */
export async function* readChunks(
  store: Store,
  list: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fetch = async (chunk: { digest: Digest; length: number }) => {
    const bytes = await store.get(chunk.digest)
    if (bytes.length === chunk.length) return bytes
    throw damaged(chunk.digest, `it has ${bytes.length} bytes, its file says ${chunk.length}`)
  }
  yield* ahead(chunksIn(list), AHEAD, fetch)
}

/** A file of at most so many bytes, whole. TOO_LARGE before its content is read if it has more. */
export async function readSmallFile(store: Store, file: Digest, maxBytes: number): Promise<Buffer> {
  const list = await store.get(file)
  const size = sizeIn(list)
  if (size > maxBytes) {
    throw new KaosError('TOO_LARGE', `the file has ${size} bytes; ${maxBytes} are the most here`)
  }
  return Buffer.concat(await Array.fromAsync(readChunks(store, list)))
}
