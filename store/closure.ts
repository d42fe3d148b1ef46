/* Whole trees: everything that belongs to one, and whether all of it is here. */
import type { Digest } from '../api/digest.ts'
import { DigestMap, DigestSet } from '../api/digest-set.ts'
import { isKaosError, KaosError } from '../api/errors.ts'
import { chunksIn, sizeIn } from '../api/transfer/list.ts'
import { DEPTH_MAX } from '../api/transfer/protocol.ts'
import { type Chunk, decodeTree, type Entry, segmentsOf } from '../api/tree.ts'
import { ahead } from './ahead.ts'
import type { Store } from './store.ts'

/** What is needed of a store to look at a tree. */
export type Looking = Pick<Store, 'get' | 'sizes'>

/** So many chunks are asked for at once. */
const SLICE = 1024
/** So many files of a folder are looked at at once. */
const AT_ONCE = 16

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
  store: Pick<Store, 'get'>,
  tree: Digest,
): AsyncGenerator<Digest, void, undefined> {
  const seen = new Set<Digest>([tree])
  const fresh = (digest: Digest) => !seen.has(digest) && seen.add(digest) !== undefined
  const folders = [tree]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    yield folder
    const entries = decodeTree(await store.get(folder))
    for (const segment of segmentsOf(entries)) {
      if (fresh(segment.digest)) yield segment.digest
    }
    for (const { kind, digest, within } of entries) {
      if (within !== undefined || !fresh(digest)) continue
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

/** Folders and files of which it is known that all of them is here. */
export class Completed {
  readonly folders = new Map<Digest, Extent>()
  /** The bytes of files, by their lists. */
  readonly files = new DigestMap()
}

/** What was looked at, and of which chunks and segments it is made. */
export class Closure extends Completed {
  readonly bytes = new DigestSet()

  /** Digests of all objects. */
  get size(): number {
    return this.folders.size + this.files.size + this.bytes.size
  }
}

/** Refuses (BAD_REQUEST, with path and digest) a tree of which an object is missing, damaged, not
 * what it should be, or of another size than stated. Reads trees and lists, but no chunk. What is
 * `known` is not looked at; what was is in `found` afterwards. */
export async function requireComplete(
  store: Looking,
  tree: Digest,
  { known, found = new Closure() }: { known?: Completed | undefined; found?: Closure } = {},
): Promise<Extent> {
  return new Completeness(store, found, known).folder(tree, '', 0)
}

/** What is equal is looked at once, however often it appears: a small tree may unfold to a huge one. */
class Completeness {
  readonly #store: Looking
  readonly #found: Closure
  readonly #known: Completed | undefined

  constructor(store: Looking, found: Closure, known: Completed | undefined) {
    this.#store = store
    this.#found = found
    this.#known = known
  }

  async folder(tree: Digest, path: string, depth: number): Promise<Extent> {
    const known = this.#known?.folders.get(tree) ?? this.#found.folders.get(tree)
    if (known !== undefined) return known
    if (depth > DEPTH_MAX) throw incomplete(path, tree, `is deeper than ${DEPTH_MAX} folders`)
    const entries = await this.#decoded(tree, path, decodeTree)
    await this.#requireChunks(segmentsOf(entries), path)
    const pathOf = ({ name }: Entry) => (path === '' ? name : `${path}/${name}`)
    // Files are looked at ahead; folders in their turn, or too many would be open at once.
    const looked = ahead(entries, AT_ONCE, async entry => {
      return entry.kind === 'folder' ? undefined : this.#file(entry, pathOf(entry))
    })
    let [files, folders, bytes] = [0, 0, 0]
    let next = 0
    for await (const size of looked) {
      const entry = entries[next++]!
      const below = pathOf(entry)
      const extent =
        size === undefined
          ? await this.folder(entry.digest, below, depth + 1)
          : { files: 1, folders: 0, bytes: size }
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
    this.#found.folders.set(tree, { files, folders, bytes })
    return { files, folders, bytes }
  }

  /** The bytes of a file. */
  async #file({ digest, size, within }: Entry, path: string): Promise<number> {
    // The bytes of a small one lie in a segment, which is as long as its files together.
    if (within !== undefined) return size
    const known = this.#known?.files.get(digest) ?? this.#found.files.get(digest)
    if (known !== undefined) return known
    const { list, bytes } = await this.#decoded(digest, path, encoded => ({
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
    this.#found.files.set(digest, bytes)
    return bytes
  }

  async #requireChunks(chunks: readonly Chunk[], path: string): Promise<void> {
    if (chunks.length === 0) return
    const sizes = await this.#store.sizes(chunks.map(one => one.digest))
    for (const [i, { digest, length }] of chunks.entries()) {
      if (sizes[i] === undefined) throw incomplete(path, digest, 'is missing a chunk')
      if (sizes[i] !== length) {
        throw incomplete(path, digest, `has a chunk of ${sizes[i]} bytes, not ${length}`)
      }
      this.#found.bytes.add(digest)
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
