/* Reading files and folders: by digest what lies outside trees (a log, a blob), by its entry what lies
 * in one. A small file has no object of its own: its bytes are a part of one of its folder's segments,
 * and are given out only if they are those that its digest names. */
import type { Digest } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { smallFileDigest } from '../api/folder.ts'
import { chunksIn, sizeIn } from '../api/transfer/list.ts'
import { decodeTree, type Entry, type Within } from '../api/tree.ts'
import { ahead } from './ahead.ts'
import { damaged } from './refusals.ts'
import type { Reading, Store } from './store.ts'

/** Chunks fetched before they are asked for. */
const AHEAD = 8
/** Segments that a reader keeps: those of a folder and of some of the folders around it. */
const SEGMENTS_KEPT = 8

/** What is read of a store. */
export type Source = Pick<Store, 'get'>
/** A file outside trees, or what an entry says of one. */
export type FileRef = Digest | Pick<Entry, 'digest' | 'size' | 'within'>

/** What lies in the folder with this tree. */
export async function entriesOf(store: Source, tree: Digest): Promise<Entry[]> {
  return decodeTree(await store.get(tree))
}

/** What lies at this path (`model/train`, without a slash at either end); undefined if nothing. */
export async function entryAt(
  store: Source,
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

/** The bytes of a file, verified before any of them are given out. */
export function readFile(
  store: Source,
  file: FileRef,
): AsyncGenerator<Uint8Array, void, undefined> {
  return new FileReader(store).read(file)
}

/** A file of at most so many bytes, whole. TOO_LARGE before its content is read if it has more. */
export function readSmallFile(store: Source, file: FileRef, maxBytes: number): Promise<Buffer> {
  return new FileReader(store).whole(file, maxBytes)
}

/** Reads many files one after another. Neighbours lie in the same segment, which is fetched once. */
export class FileReader {
  readonly #store: Source
  readonly #segments = new Map<Digest, Uint8Array>()

  constructor(store: Source) {
    this.#store = store
  }

  async *read(file: FileRef): AsyncGenerator<Uint8Array, void, undefined> {
    if (typeof file === 'string') yield* readChunks(this.#store, await this.#store.get(file))
    else if (file.within === undefined) yield* this.read(file.digest)
    else yield await this.#small(file, file.within)
  }

  /** TOO_LARGE before its content is read if it has more bytes. The caller's to keep. */
  async whole(file: FileRef, maxBytes: number): Promise<Buffer> {
    if (typeof file !== 'string' && file.within !== undefined) {
      requireSize(file.size, maxBytes)
      return Buffer.from(await this.#small(file, file.within))
    }
    const list = await this.#store.get(typeof file === 'string' ? file : file.digest)
    requireSize(sizeIn(list), maxBytes)
    return Buffer.concat(await Array.fromAsync(readChunks(this.#store, list)))
  }

  async #small(
    { digest, size }: { digest: Digest; size: number },
    { segment, offset }: Within,
  ): Promise<Uint8Array> {
    const bytes = (await this.#segment(segment)).subarray(offset, offset + size)
    if (bytes.length === size && smallFileDigest(bytes) === digest) return bytes
    const what = `a folder names ${digest} where other bytes lie`
    throw new KaosError('DIGEST_MISMATCH', `${what}; send the folder again`, {
      detail: { segment },
    })
  }

  async #segment(digest: Digest): Promise<Uint8Array> {
    const bytes = this.#segments.get(digest) ?? (await this.#store.get(digest))
    this.#segments.delete(digest)
    this.#segments.set(digest, bytes)
    const oldest = this.#segments.keys().next().value
    if (this.#segments.size > SEGMENTS_KEPT && oldest !== undefined) this.#segments.delete(oldest)
    return bytes
  }
}

/** The chunks of an encoded file list, verified unless read unchecked, with the stated lengths. */
export async function* readChunks(
  store: Source,
  list: Uint8Array,
  reading?: Reading,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* ahead(chunksIn(list), AHEAD, chunk => readChunk(store, chunk, reading))
}

/** A chunk or segment, verified unless read unchecked, with the stated length. */
export async function readChunk(
  store: Source,
  { digest, length }: { digest: Digest; length: number },
  reading?: Reading,
): Promise<Uint8Array> {
  const bytes = await store.get(digest, reading)
  if (bytes.length === length) return bytes
  throw damaged(digest, `it has ${bytes.length} bytes, not ${length} as what names it says`)
}

function requireSize(size: number, most: number): void {
  if (size <= most) return
  throw new KaosError('TOO_LARGE', `the file has ${size} bytes; ${most} are the most here`)
}
