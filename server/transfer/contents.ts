/* What the entities of one workspace are made of: whoever may write there may use it again. Trees and
 * lists are told apart from the bytes that they name: a chunk that happens to hold the encoding of a
 * folder does not make that folder anybody's. */
import type { Digest } from '../../api/digest.ts'
import { DigestSet } from '../../api/digest-set.ts'
import { isKaosError } from '../../api/errors.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import { decodeTree, segmentsOf } from '../../api/tree.ts'
import type { Store } from '../../store/store.ts'
import { type Closure, Completed } from '../../store/trees.ts'

/** Folders and files that are remembered as complete. */
const COMPLETE_MAX = 200_000
/** Lists that are read at the same time. */
const AT_ONCE = 16

export class Contents {
  readonly #names = new DigestSet()
  readonly #bytes = new DigestSet()
  /** Digests that may be remembered: what no longer fits is said to be missing, and is sent again. */
  readonly #most: number
  #complete = new Completed()
  #epoch = -1

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#names.size + this.#bytes.size
  }

  /** Whether it is the digest of a folder or file list. */
  hasName(digest: Digest): boolean {
    return this.#names.has(digest)
  }

  has(digest: Digest): boolean {
    return this.#names.has(digest) || this.#bytes.has(digest)
  }

  /** Of what was found complete in this epoch: until the next one nothing of it can go. */
  completeIn(epoch: number): Completed {
    if (epoch !== this.#epoch) this.#complete = new Completed()
    this.#epoch = epoch
    return this.#complete
  }

  /** Takes over what a look at a tree found in this epoch. */
  learn(found: Closure, epoch: number): void {
    if (this.size + found.size <= this.#most) {
      for (const digest of found.folders.keys()) this.#names.add(digest)
      this.#names.addAll(found.files)
      this.#bytes.addAll(found.bytes)
    }
    if (found.folders.size + found.files.size > COMPLETE_MAX) return
    let complete = this.completeIn(epoch)
    const after = complete.folders.size + complete.files.size + found.folders.size
    if (after + found.files.size > COMPLETE_MAX) complete = this.#complete = new Completed()
    for (const [digest, extent] of found.folders) complete.folders.set(digest, extent)
    complete.files.addAll(found.files)
  }

  /** Reads all that a folder or file list names. What is damaged or gone is left out. */
  async read(store: Store, digest: Digest): Promise<void> {
    const bytes = await this.#sound(store, digest)
    if (bytes === undefined) return
    if (bytes.toString('latin1', 0, 2) !== 'KT') return this.#addList(bytes)
    const entries = decodeTree(bytes)
    for (const segment of segmentsOf(entries)) this.#addBytes(segment.digest)
    const lists: Digest[] = []
    for (const { kind, digest, within } of entries) {
      if (kind === 'folder') await this.read(store, digest)
      else if (within === undefined) lists.push(digest)
    }
    for (let at = 0; at < lists.length; at += AT_ONCE) {
      const some = lists.slice(at, at + AT_ONCE)
      for (const list of await Promise.all(some.map(one => this.#sound(store, one)))) {
        if (list !== undefined) this.#addList(list)
      }
    }
  }

  #addList(list: Buffer): void {
    for (const { digest } of chunksIn(list)) this.#addBytes(digest)
  }

  #addBytes(digest: Digest): void {
    if (this.size < this.#most) this.#bytes.add(digest)
  }

  /** The object, now among the names; undefined when it was already, is damaged, or no longer fits. */
  async #sound(store: Store, digest: Digest): Promise<Buffer | undefined> {
    if (this.size >= this.#most || this.#names.has(digest)) return undefined
    try {
      const { buffer, byteOffset, byteLength } = await store.get(digest)
      this.#names.add(digest)
      return Buffer.from(buffer, byteOffset, byteLength)
    } catch (error) {
      const lost = isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')
      if (lost) return undefined
      throw error
    }
  }
}
