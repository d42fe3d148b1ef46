/* Whole trees: everything that belongs to one, and whether all of it is here. */
import type { Digest } from '../api/digest.ts'
import { isKaosError, KaosError } from '../api/errors.ts'
import { chunksIn, sizeIn } from '../api/transfer/list.ts'
import { DEPTH_MAX } from '../api/transfer/protocol.ts'
import { type Chunk, decodeTree, type Entry } from '../api/tree.ts'
import type { Store } from './store.ts'

/** So many chunks are asked for at once. */
const SLICE = 1024

export interface Extent {
  /** Files and folders, each as often as it appears. */
  readonly files: number
  readonly folders: number
  readonly bytes: number
}

/** The digest of every object of the tree, the tree included, each once. What is missing is named as
 * well where its digest is known, but nothing below it: OBJECT_UNKNOWN is thrown there. Remembers
 * the digests it has named (about 150 bytes each), nothing else. */
export async function* objectsOf(
  store: Store,
  tree: Digest,
): AsyncGenerator<Digest, void, undefined> {
  const seen = new Set<Digest>([tree])
  const fresh = (digest: Digest) => !seen.has(digest) && seen.add(digest) !== undefined
  const folders = [tree]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    yield folder
    for (const { kind, digest } of decodeTree(await store.get(folder))) {
      if (!fresh(digest)) continue
      if (kind === 'folder') {
        folders.push(digest)
        continue
      }
      yield digest
      for (const chunk of chunksIn(await store.get(digest))) {
        if (fresh(chunk.digest)) yield chunk.digest
      }
    }
  }
}

/** Refuses (BAD_REQUEST, with path and digest) a tree of which an object is missing, damaged, not
 * what it should be, or of another size than stated. Reads trees and lists, but no chunk. */
export function requireComplete(store: Store, tree: Digest): Promise<Extent> {
  return new Completeness(store).folder(tree, '', 0)
}

/** What is equal is looked at once, however often it appears: a small tree may unfold to a huge one. */
class Completeness {
  readonly #store: Store
  readonly #folders = new Map<Digest, Extent>()
  readonly #files = new Map<Digest, number>()

  constructor(store: Store) {
    this.#store = store
  }

  async folder(tree: Digest, path: string, depth: number): Promise<Extent> {
    const known = this.#folders.get(tree)
    if (known !== undefined) return known
    if (depth > DEPTH_MAX) throw incomplete(path, tree, `is deeper than ${DEPTH_MAX} folders`)
    let [files, folders, bytes] = [0, 0, 0]
    for (const entry of await this.#decoded(tree, path, decodeTree)) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`
      const extent = await this.#extentOf(entry, below, depth)
      if (extent.bytes !== entry.size) {
        throw incomplete(below, entry.digest, `has ${extent.bytes} bytes, not ${entry.size}`)
      }
      files += extent.files
      folders += extent.folders + (entry.kind === 'folder' ? 1 : 0)
      bytes += extent.bytes
      if (![files, folders, bytes].every(Number.isSafeInteger)) {
        throw incomplete(below, entry.digest, 'makes the tree too large to count')
      }
    }
    this.#folders.set(tree, { files, folders, bytes })
    return { files, folders, bytes }
  }

  async #extentOf(entry: Entry, path: string, depth: number): Promise<Extent> {
    if (entry.kind === 'folder') return this.folder(entry.digest, path, depth + 1)
    const known = this.#files.get(entry.digest)
    if (known !== undefined) return { files: 1, folders: 0, bytes: known }
    const { list, bytes } = await this.#decoded(entry.digest, path, encoded => ({
      list: encoded,
      bytes: sizeIn(encoded),
    }))
    let slice: Chunk[] = []
    for (const chunk of chunksIn(list)) {
      slice.push(chunk)
      if (slice.length < SLICE) continue
      await this.#requireChunks(slice, path)
      slice = []
    }
    await this.#requireChunks(slice, path)
    this.#files.set(entry.digest, bytes)
    return { files: 1, folders: 0, bytes }
  }

  async #requireChunks(chunks: readonly Chunk[], path: string): Promise<void> {
    const sizes = await this.#store.sizes(chunks.map(one => one.digest))
    for (const [i, { digest, length }] of chunks.entries()) {
      if (sizes[i] === undefined) throw incomplete(path, digest, 'is missing a chunk')
      if (sizes[i] !== length) {
        throw incomplete(path, digest, `has a chunk of ${sizes[i]} bytes, not ${length}`)
      }
    }
  }

  async #decoded<T>(digest: Digest, path: string, decode: (bytes: Uint8Array) => T): Promise<T> {
    try {
      return decode(await this.#store.get(digest))
    } catch (error) {
      if (!isKaosError(error)) throw error
      throw incomplete(path, digest, `cannot be taken (${error.message})`, error)
    }
  }
}

function incomplete(path: string, digest: Digest, why: string, cause?: unknown): KaosError {
  const what = path === '' ? 'the folder' : JSON.stringify(path)
  const message = `${what} ${why} (${digest}); send the folder again`
  return new KaosError('BAD_REQUEST', message, { detail: { path, digest }, cause })
}
