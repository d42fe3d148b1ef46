/* Trees and files as the frame streams of api/transfer/protocol.ts. */
import type { Digest } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { DEPTH_MAX, frameHeader } from '../api/transfer/protocol.ts'
import { decodeTree, type Entry, segmentsOf } from '../api/tree.ts'
import { ahead } from './ahead.ts'
import { readChunk, readChunks } from './contents.ts'
import type { Reading, Store } from './store.ts'

/** Small objects are put together into buffers of about this size. */
const PIECE = 256 * 1024
/** The length before each object. */
const HEADER = 4
/** From this size on an object goes out from where it lies, also without neighbours. */
const LARGE = 32 * 1024
/** Files up to this size are fetched whole before their turn, so many at a time. */
export const SMALL = 256 * 1024
export const FILES_AHEAD = 16
export const SEGMENTS_AHEAD = 8

/** The tree and everything below it, in walk order. Every object is verified before it is sent, chunks
 * and segments not if they are read unchecked; if one cannot be read the stream throws and never ends
 * as if it were whole. */
export function treeFrames(
  store: Store,
  tree: Digest,
  reading: Reading = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  return framed(treeObjects(store, tree, reading, 0))
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
  reading: Reading,
  depth: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (depth > DEPTH_MAX) throw new KaosError('BAD_REQUEST', 'the tree is too deep')
  const bytes = await store.get(tree)
  yield bytes
  const entries = decodeTree(bytes)
  yield* ahead(segmentsOf(entries), SEGMENTS_AHEAD, segment => readChunk(store, segment, reading))
  const open = async (entry: Entry) => {
    if (entry.kind === 'folder') return treeObjects(store, entry.digest, reading, depth + 1)
    const objects = fileObjects(store, entry.digest, reading)
    return entry.size > SMALL ? objects : Array.fromAsync(objects)
  }
  // Small files came with the segments.
  const others = entries.filter(entry => entry.within === undefined)
  for await (const objects of ahead(others, FILES_AHEAD, open)) yield* objects
}

export async function* fileObjects(
  store: Store,
  file: Digest,
  reading?: Reading,
): AsyncGenerator<Uint8Array, void, undefined> {
  const list = await store.get(file)
  yield list
  yield* readChunks(store, list, reading)
}

export async function* framed(
  objects: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const run = new Run()
  for await (const object of objects) {
    for (const piece of run.add(object)) yield piece
  }
  for (const piece of run.end()) yield piece
}

/** Objects on their way out as frames. In a pack objects lie one after the other, each behind its
 * length, which is what a frame is: those that come as they lie there go out from where they lie, and
 * only what lies elsewhere is copied together. */
class Run {
  /** Neighbours in memory, from the first one's length to the last one's end. */
  #memory: ArrayBufferLike | undefined
  #start = 0
  #end = 0
  /** Those that lie elsewhere. */
  #parts: Uint8Array[] = []
  #bytes = 0;

  *add(object: Uint8Array): Generator<Uint8Array, void, undefined> {
    const start = object.byteOffset - HEADER
    const end = object.byteOffset + object.length
    const next = this.#memory === object.buffer && start === this.#end
    if (isFramed(object) && (next || object.length >= LARGE)) {
      if (!next) {
        yield* this.end()
        this.#memory = object.buffer
        this.#start = start
      }
      this.#end = end
      if (this.#end - this.#start >= PIECE) yield* this.end()
      return
    }
    yield* this.#lying()
    this.#parts.push(frameHeader(object.length), object)
    this.#bytes += object.length + HEADER
    if (this.#bytes >= PIECE) yield* this.end()
  }

  *end(): Generator<Uint8Array, void, undefined> {
    yield* this.#lying()
    if (this.#bytes > 0) yield Buffer.concat(this.#parts, this.#bytes)
    this.#parts = []
    this.#bytes = 0
  }

  *#lying(): Generator<Uint8Array, void, undefined> {
    if (this.#memory === undefined) return
    yield Buffer.from(this.#memory, this.#start, this.#end - this.#start)
    this.#memory = undefined
  }
}

/** Whether its length lies right before it. */
function isFramed({ buffer, byteOffset, length }: Uint8Array): boolean {
  if (byteOffset < HEADER) return false
  return new DataView(buffer, byteOffset - HEADER, HEADER).getUint32(0) === length
}
