/* Trees and files as the frame streams of api/transfer/protocol.ts. */
import type { Digest } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { DEPTH_MAX, frameHeader } from '../api/transfer/protocol.ts'
import { decodeTree, type Entry, segmentsOf } from '../api/tree.ts'
import { ahead } from './ahead.ts'
import { readChunk, readChunks } from './contents.ts'
import type { Store } from './store.ts'

/** Small objects are put together into buffers of about this size. */
const PIECE = 256 * 1024
/** Files up to this size are fetched whole before their turn, so many at a time. */
export const SMALL = 256 * 1024
export const FILES_AHEAD = 16
export const SEGMENTS_AHEAD = 8

/** The tree and everything below it, in walk order. Every object is verified before it is sent; if
 * one cannot be read the stream throws and never ends as if it were whole. */
export function treeFrames(
  store: Store,
  tree: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  return framed(treeObjects(store, tree, 0))
}

/** A file list and its chunks. */
export function fileFrames(
  store: Store,
  file: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  return framed(fileObjects(store, file))
}

async function* treeObjects(
  store: Store,
  tree: Digest,
  depth: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (depth > DEPTH_MAX) throw new KaosError('BAD_REQUEST', 'the tree is too deep')
  const bytes = await store.get(tree)
  yield bytes
  const entries = decodeTree(bytes)
  yield* ahead(segmentsOf(entries), SEGMENTS_AHEAD, segment => readChunk(store, segment))
  const open = async (entry: Entry) => {
    if (entry.kind === 'folder') return treeObjects(store, entry.digest, depth + 1)
    const objects = fileObjects(store, entry.digest)
    return entry.size > SMALL ? objects : Array.fromAsync(objects)
  }
  // Small files came with the segments.
  const others = entries.filter(entry => entry.within === undefined)
  for await (const objects of ahead(others, FILES_AHEAD, open)) yield* objects
}

export async function* fileObjects(
  store: Store,
  file: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  const list = await store.get(file)
  yield list
  yield* readChunks(store, list)
}

export async function* framed(
  objects: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const object of objects) {
    parts.push(frameHeader(object.length), object)
    bytes += object.length + 4
    if (bytes < PIECE) continue
    yield Buffer.concat(parts, bytes)
    parts = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(parts, bytes)
}
