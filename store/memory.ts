/* The store in memory: for tests, and the plainest statement of what a store is. */
import { type Digest, digestOf } from '../api/digest.ts'
import { newId } from '../api/ids.ts'
import { OBJECT_MAX } from '../api/tree.ts'
import { closed, damaged, released, tooLarge, unknown } from './refusals.ts'
import type { Checked, Condemned, Stats, Store } from './store.ts'

/** So many objects are checked between two steps. */
const STEP = 16

/** `objects` may be given, so that a test can damage what lies in it. */
export async function openMemoryStore(
  objects: Map<Digest, Uint8Array> = new Map(),
): Promise<Store> {
  return new MemoryStore(objects)
}

class MemoryStore implements Store {
  readonly id = newId()
  readonly #objects: Map<Digest, Uint8Array>
  readonly #since = new Map<Digest, number>()
  readonly #damaged = new Set<Digest>()
  /** Of the one condemnation that stands. */
  #condemned = new Set<Digest>()
  #closed = false

  constructor(objects: Map<Digest, Uint8Array>) {
    this.#objects = objects
  }

  async has(digests: readonly Digest[]): Promise<boolean[]> {
    return (await this.sizes(digests)).map(size => size !== undefined)
  }

  async sizes(digests: readonly Digest[]): Promise<(number | undefined)[]> {
    this.#refuseClosed()
    return digests.map(one => (this.#isSound(one) ? this.#objects.get(one)?.length : undefined))
  }

  async put(objects: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Digest[]> {
    this.#refuseClosed()
    const digests: Digest[] = []
    const fresh = new Map<Digest, Uint8Array>()
    for await (const object of objects) {
      if (object.length > OBJECT_MAX) throw tooLarge(object.length)
      const digest = digestOf(object)
      digests.push(digest)
      fresh.set(digest, Buffer.from(object))
    }
    this.#refuseClosed()
    for (const [digest, object] of fresh) {
      if (this.#objects.has(digest) && this.#isSound(digest)) continue
      this.#objects.set(digest, object)
      this.#since.set(digest, Date.now())
      this.#damaged.delete(digest)
      this.#condemned.delete(digest)
    }
    return digests
  }

  async get(digest: Digest): Promise<Uint8Array> {
    this.#refuseClosed()
    const object = this.#objects.get(digest)
    if (object === undefined) throw unknown(digest)
    if (digestOf(object) === digest) return Buffer.from(object)
    this.#damaged.add(digest)
    throw damaged(digest, 'its bytes are others')
  }

  async remove(digests: readonly Digest[]): Promise<void> {
    this.#refuseClosed()
    for (const digest of digests) this.#forget(digest)
  }

  async *list(): AsyncIterable<{ digest: Digest; size: number; at: number }> {
    this.#refuseClosed()
    for (const [digest, object] of this.#objects) {
      const at = this.#since.get(digest) ?? 0
      if (!this.#damaged.has(digest)) yield { digest, size: object.length, at }
    }
  }

  async *check(from = ''): AsyncIterable<Checked> {
    this.#refuseClosed()
    const digests = [...this.#objects.keys()].filter(digest => digest > from).sort()
    for (let at = 0; at < digests.length; at += STEP) {
      let bytes = 0
      for (const digest of digests.slice(at, at + STEP)) {
        const object = this.#objects.get(digest)
        bytes += object?.length ?? 0
        if (object === undefined || digestOf(object) === digest) continue
        this.#damaged.add(digest)
        yield { kind: 'damage', digest, reason: 'its bytes are others' }
      }
      yield { kind: 'step', cursor: digests[Math.min(at + STEP, digests.length) - 1] ?? '', bytes }
    }
  }

  async damaged(): Promise<number> {
    this.#refuseClosed()
    return this.#damaged.size
  }

  async condemn(digests: AsyncIterable<Digest> | Iterable<Digest>): Promise<Condemned> {
    this.#refuseClosed()
    const mine = new Set<Digest>()
    this.#condemned = mine
    for await (const digest of digests) if (this.#objects.has(digest)) mine.add(digest)
    return {
      spare: async spared => {
        for (const digest of spared) mine.delete(digest)
      },
      remove: async () => {
        this.#refuseClosed()
        if (this.#condemned !== mine) throw released()
        const gone = [...mine]
        const bytes = gone.reduce((sum, one) => sum + (this.#objects.get(one)?.length ?? 0), 0)
        for (const digest of gone) this.#forget(digest)
        return { objects: gone.length, bytes }
      },
      release: async () => mine.clear(),
    }
  }

  /** What is removed here gives its room back at once. */
  async compact(): Promise<number> {
    this.#refuseClosed()
    return 0
  }

  async stats(): Promise<Stats> {
    const sizes = await Array.fromAsync(this.list(), one => one.size)
    return { objects: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #isSound(digest: Digest): boolean {
    return !this.#damaged.has(digest) && !this.#condemned.has(digest)
  }

  #forget(digest: Digest): void {
    this.#objects.delete(digest)
    this.#since.delete(digest)
    this.#damaged.delete(digest)
    this.#condemned.delete(digest)
  }

  #refuseClosed(): void {
    if (this.#closed) throw closed()
  }
}
