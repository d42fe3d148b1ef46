/* Parts of a tree as frames, for a receiver that has the rest (api/transfer/protocol.ts). */
import type { Digest } from '../api/digest.ts'
import { foldersOf, Met, partsOf } from '../api/transfer/parts.ts'
import { ahead } from './ahead.ts'
import { readChunk } from './contents.ts'
import { FILES_AHEAD, fileObjects, framed, SEGMENTS_AHEAD, SMALL } from './frames.ts'
import type { Store } from './store.ts'

/** The folders of a tree without what lies in them; of equal ones the first. */
export function folderFrames(
  store: Store,
  tree: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  return framed(folderObjects(store, tree))
}

async function* folderObjects(
  store: Store,
  tree: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  let last: Uint8Array | undefined
  const read = async (digest: Digest) => {
    last = await store.get(digest)
    return last
  }
  for await (const _ of foldersOf(tree, read)) yield last!
}

/** Of the tree's segments and files those that are wanted, each once; whatever else is wanted is not
 * this tree's and does not come. */
export function partFrames(
  store: Store,
  tree: Digest,
  wanted: ReadonlySet<Digest>,
): AsyncGenerator<Uint8Array, void, undefined> {
  return framed(partObjects(store, tree, wanted))
}

async function* partObjects(
  store: Store,
  tree: Digest,
  wanted: ReadonlySet<Digest>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const met = new Met()
  for await (const folder of foldersOf(tree, digest => store.get(digest))) {
    const { segments, files } = partsOf(folder, digest => wanted.has(digest), met)
    yield* ahead(segments, SEGMENTS_AHEAD, segment => readChunk(store, segment))
    const open = async ({ digest, size }: (typeof files)[number]) => {
      const objects = fileObjects(store, digest)
      return size > SMALL ? objects : Array.fromAsync(objects)
    }
    for await (const objects of ahead(files, FILES_AHEAD, open)) yield* objects
  }
}
