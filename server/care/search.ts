/* Looking for certain objects in many folders and files. Of each folder and list it is remembered
 * what lies below, so that what several share is read once: those with nothing in a set, the others
 * with what was found. */
import { type Digest, rawOf } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import { DEPTH_MAX } from '../../api/transfer/protocol.ts'
import { type Chunk, decodeTree, segmentsOf } from '../../api/tree.ts'
import type { Store } from '../../store/store.ts'
import { KeySet } from './key-set.ts'

/** Chunks that are asked about at once. */
const SLICE = 1024

export interface Sought {
  /** Found below one folder, and told of it, at most; default 1,000. */
  readonly most?: number
  /** Which of these are looked for. */
  among(chunks: readonly Chunk[]): Promise<readonly Digest[]>
  /** Whether this folder or list itself is; `trouble`: why it could not be read. */
  itself(digest: Digest, trouble: string | undefined): Promise<boolean>
}

const FOUND_MAX = 1000
const NONE: ReadonlySet<Digest> = new Set()

export class Search {
  readonly #store: Pick<Store, 'get'>
  readonly #sought: Sought
  readonly #without = new KeySet(32)
  readonly #with = new Map<Digest, ReadonlySet<Digest>>()

  constructor(store: Pick<Store, 'get'>, sought: Sought) {
    this.#store = store
    this.#sought = sought
  }

  /** What is looked for, of a folder or file and all that is below. */
  async in(digest: Digest, depth = 0): Promise<ReadonlySet<Digest>> {
    if (this.#without.has(rawOf(digest))) return NONE
    const known = this.#with.get(digest)
    if (known) return known
    const found = new Set<Digest>()
    const bytes = await this.#read(digest)
    const trouble = typeof bytes === 'string' ? bytes : undefined
    if (await this.#sought.itself(digest, trouble)) found.add(digest)
    if (typeof bytes !== 'string' && depth <= DEPTH_MAX) await this.#below(bytes, depth, found)
    if (found.size === 0) this.#without.raise(rawOf(digest))
    else this.#with.set(digest, found)
    return found
  }

  async #below(bytes: Uint8Array, depth: number, found: Set<Digest>): Promise<void> {
    if (bytes[1] === 'F'.charCodeAt(0)) return this.#among(chunksIn(bytes), found)
    const entries = decodeTree(bytes)
    await this.#among(segmentsOf(entries), found)
    for (const { digest, within } of entries) {
      if (within !== undefined) continue
      for (const one of await this.in(digest, depth + 1)) this.#add(one, found)
    }
  }

  #add(digest: Digest, found: Set<Digest>): void {
    if (found.size < (this.#sought.most ?? FOUND_MAX)) found.add(digest)
  }

  async #among(chunks: Iterable<Chunk>, found: Set<Digest>): Promise<void> {
    let slice: Chunk[] = []
    const ask = async () => {
      for (const one of await this.#sought.among(slice)) this.#add(one, found)
      slice = []
    }
    for (const chunk of chunks) {
      slice.push(chunk)
      if (slice.length === SLICE) await ask()
    }
    if (slice.length > 0) await ask()
  }

  async #read(digest: Digest): Promise<Uint8Array | string> {
    try {
      return await this.#store.get(digest)
    } catch (error) {
      if (isKaosError(error, 'OBJECT_UNKNOWN')) return 'it is missing'
      if (isKaosError(error, 'OBJECT_DAMAGED')) return 'its bytes are others'
      throw error
    }
  }
}
