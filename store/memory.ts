/* The store in memory: for tests, and the plainest statement of what a store is. */
import { type Digest, digestOf } from '../api/digest.ts'
import { newId } from '../api/ids.ts'
import { OBJECT_MAX } from '../api/tree.ts'
import { closed, damaged, tooLarge, unknown } from './refusals.ts'
import type { Damage, Stats, Store } from './store.ts'

/** `objects` may be given, so that a test can damage what lies in it. */
export async function openMemoryStore(
  objects: Map<Digest, Uint8Array> = new Map(),
): Promise<Store> {
  return new MemoryStore(objects)
}

class MemoryStore implements Store {
  readonly id = newId()
  readonly #objects: Map<Digest, Uint8Array>
  readonly #damaged = new Set<Digest>()
  #closed = false

  constructor(objects: Map<Digest, Uint8Array>) {
    this.#objects = objects
  }

  async has(digests: readonly Digest[]): Promise<boolean[]> {
    return (await this.sizes(digests)).map(size => size !== undefined)
  }

  async sizes(digests: readonly Digest[]): Promise<(number | undefined)[]> {
    this.#refuseClosed()
    return digests.map(one => (this.#damaged.has(one) ? undefined : this.#objects.get(one)?.length))
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
      if (this.#objects.has(digest) && !this.#damaged.delete(digest)) continue
      this.#objects.set(digest, object)
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
    for (const digest of digests) {
      this.#objects.delete(digest)
      this.#damaged.delete(digest)
    }
  }

  async *list(): AsyncIterable<{ digest: Digest; size: number }> {
    this.#refuseClosed()
    for (const [digest, object] of this.#objects) {
      if (!this.#damaged.has(digest)) yield { digest, size: object.length }
    }
  }

  async *check(): AsyncIterable<Damage> {
    this.#refuseClosed()
    for (const [digest, object] of this.#objects) {
      if (digestOf(object) === digest) continue
      this.#damaged.add(digest)
      yield { digest, reason: 'its bytes are others' }
    }
  }

  async stats(): Promise<Stats> {
    const sizes = await Array.fromAsync(this.list(), one => one.size)
    return { objects: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #refuseClosed(): void {
    if (this.#closed) throw closed()
  }
}
