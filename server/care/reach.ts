/* What can be reached: from a folder its segments, files and folders, from a file its chunks. Every
 * object is met once, whatever names it; folders and lists are read once, chunks never. (One object
 * can be both: a chunk of a file may hold the bytes of a folder. Met as a chunk it is still read when
 * it turns up as a folder.)
 *
 * A folder or list that cannot be read hides what is below it. Whoever takes away what was not met
 * must not go on then: `hidden` says what it was. */
import { type Digest, digestFromRaw, rawOf } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import { decodeTree, segmentsOf } from '../../api/tree.ts'
import type { Store } from '../../store/store.ts'
import { KeySet } from './key-set.ts'

/** Lists and folders that are read at the same time. */
const AT_ONCE = 8

/** Levels of the set. */
const MET = 1
const READ = 2

/** Told of each object that is met for the first time. */
export type Met = (raw: Buffer, size: number) => void

export class Reach {
  readonly #store: Pick<Store, 'get'>
  readonly #met = new KeySet(32)
  /** The first folder or list that could not be read. */
  hidden: { digest: Digest; reason: string } | undefined

  constructor(store: Pick<Store, 'get'>) {
    this.#store = store
  }

  get size(): number {
    return this.#met.size
  }

  has(raw: Buffer): boolean {
    return this.#met.has(raw)
  }

  /** An object by itself; what it may name is not looked at. */
  object(raw: Buffer, size: number, met: Met): boolean {
    if (this.#met.raise(raw, MET) > 0) return false
    met(raw, size)
    return true
  }

  /** A folder or a file list, with all that is below. Plain bytes are met by themselves. */
  async content(digest: Digest, met: Met): Promise<void> {
    const folders: Digest[] = [digest]
    for (let some = folders.splice(0); some.length > 0; some = folders.splice(-AT_ONCE)) {
      const found = await this.#readFresh(some, met)
      for (const bytes of found) {
        const kind = kindOf(bytes)
        if (kind === 'list') this.#chunks(bytes, met)
        else if (kind === 'folder') await this.#entries(bytes, folders, met)
      }
    }
  }

  /** The same, of what may be no object at all. */
  async perhaps(digest: Digest, met: Met): Promise<void> {
    if (this.#met.level(rawOf(digest)) === READ) return
    try {
      await this.#store.get(digest)
    } catch (error) {
      if (isKaosError(error, 'OBJECT_UNKNOWN')) return
    }
    await this.content(digest, met)
  }

  #chunks(list: Uint8Array, met: Met): void {
    for (const { digest, length } of chunksIn(list)) this.object(rawOf(digest), length, met)
  }

  async #entries(bytes: Uint8Array, folders: Digest[], met: Met): Promise<void> {
    const entries = decodeTree(bytes)
    for (const { digest, length } of segmentsOf(entries)) this.object(rawOf(digest), length, met)
    let lists: Digest[] = []
    for (const { kind, digest, within } of entries) {
      if (within !== undefined) continue
      if (kind === 'folder') folders.push(digest)
      else lists.push(digest)
      if (lists.length < AT_ONCE) continue
      await this.#lists(lists, met)
      lists = []
    }
    await this.#lists(lists, met)
  }

  async #lists(lists: readonly Digest[], met: Met): Promise<void> {
    for (const list of await this.#readFresh(lists, met)) this.#chunks(list, met)
  }

  /** The bytes of those that were not read yet. */
  async #readFresh(digests: readonly Digest[], met: Met): Promise<Uint8Array[]> {
    const fresh = digests.map(rawOf).flatMap(raw => {
      const before = this.#met.raise(raw, READ)
      return before === READ ? [] : [{ raw, before }]
    })
    const read = await Promise.all(fresh.map(({ raw }) => this.#read(raw)))
    for (const [i, { raw, before }] of fresh.entries()) {
      if (before === 0) met(raw, read[i]?.length ?? 0)
    }
    return read.filter(bytes => bytes !== undefined)
  }

  async #read(raw: Buffer): Promise<Uint8Array | undefined> {
    const digest = digestFromRaw(raw)
    try {
      return await this.#store.get(digest)
    } catch (error) {
      if (!isKaosError(error, 'OBJECT_UNKNOWN') && !isKaosError(error, 'OBJECT_DAMAGED'))
        throw error
      this.hidden ??= { digest, reason: error.message }
      return undefined
    }
  }
}

/** What an object may be by its first bytes. Undefined: plain bytes, which name nothing. */
function kindOf(bytes: Uint8Array): 'list' | 'folder' | undefined {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  if (/^KF\d\0$/.test(magic)) return 'list'
  return /^KT\d\0$/.test(magic) ? 'folder' : undefined
}
