import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { openPackedStore } from '../../store/packed/store.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { damageFound, digestsIn, filesFound } from './conformance.ts'
import { temporaryFolder } from './folders.ts'
import { SharedShelf } from './shared-shelf.ts'

/** KAOS_TEST_SEEDS: how many rounds; KAOS_TEST_SEED: one, again.
 *
 * Servers over one shelf, with pushers and a collector that keep the server's rule: what is committed
 * was found or put since content was last condemned. Now and then a request fails, or a server dies
 * and another takes its place. */
class Chaos {
  readonly objects: readonly Buffer[]
  readonly digests: readonly Digest[]
  readonly committed = new Set<number>()
  failures = 0
  deaths = 0
  epoch = 0
  readonly #t: TestContext
  readonly #files: SharedShelf['files'] = new Map()
  #servers: { store: Store; shelf: SharedShelf }[] = []
  #state: number

  constructor(t: TestContext, seed: number) {
    this.#t = t
    this.#state = seed
    this.objects = Array.from({ length: 60 }, (_, i) => noise(300 + i * 37, seed * 1000 + i))
    this.digests = this.objects.map(digestOf)
  }

  async begin(servers: number): Promise<void> {
    for (let i = 0; i < servers; i++) this.#servers.push(await this.open())
    for (const { shelf } of this.#servers) this.#trouble(shelf)
  }

  async open(): Promise<{ store: Store; shelf: SharedShelf }> {
    const shelf = new SharedShelf(this.#files)
    const catalog = join(await temporaryFolder(this.#t), 'index.sqlite')
    const store = await openPackedStore({ shelf, catalog, owner: newId() })
    this.#t.after(() => store.close())
    return { store, shelf }
  }

  async push(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      const wanted = [this.#random(60), this.#random(60)]
      const epoch = this.epoch
      const done = await this.#attempt(async store => {
        const here = await store.has(wanted.map(i => this.digests[i]!))
        const lacking = wanted.filter((_, n) => !here[n])
        if (lacking.length > 0) await store.put(lacking.map(i => this.objects[i]!))
      })
      if (done && epoch === this.epoch) for (const i of wanted) this.committed.add(i)
      for (const i of this.committed) if (this.#random(25) === 0) this.committed.delete(i)
      if (this.#random(30) === 0) await this.#die()
    }
  }

  async collect(): Promise<void> {
    await this.#attempt(async store => {
      const condemned = await store.condemn(this.digests.filter((_, i) => !this.committed.has(i)))
      try {
        this.epoch++
        await condemned.spare(Array.from(this.committed, i => this.digests[i]!))
        await condemned.remove()
      } finally {
        await condemned.release()
      }
    })
    await this.#attempt(store => store.compact(this.#random(10) / 10))
  }

  /** Every server that lives, without trouble from now on. */
  survivors(): Store[] {
    return this.#servers.map(({ store, shelf }) => {
      shelf.before = () => {}
      return store
    })
  }

  /** Whether the work came to its end; it may only fail for the trouble that was made. */
  async #attempt(work: (store: Store) => Promise<unknown>): Promise<boolean> {
    const { store } = this.#servers[this.#random(this.#servers.length)]!
    try {
      await work(store)
      return true
    } catch (error) {
      const made = error instanceof Error && error.message === 'the connection was cut'
      assert.ok(made || isKaosError(error, 'CONFLICT'), String((error as Error).stack))
      return false
    }
  }

  #trouble(shelf: SharedShelf): void {
    shelf.before = () => {
      if (this.#random(60) > 0) return
      this.failures++
      throw new Error('the connection was cut')
    }
  }

  async #die(): Promise<void> {
    const place = this.#random(this.#servers.length)
    this.deaths++
    this.#servers[place]!.shelf.before = () => {
      throw new Error('the connection was cut')
    }
    const fresh = await this.open()
    this.#trouble(fresh.shelf)
    this.#servers[place] = fresh
  }

  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * below)
  }
}

const SEED = process.env.KAOS_TEST_SEED
const COUNT = Number(process.env.KAOS_TEST_SEEDS ?? 3)
const SEEDS = SEED ? [Number(SEED)] : Array.from({ length: COUNT }, (_, i) => i + 1)

for (const seed of SEEDS) {
  test(`servers that push, collect and compact over one shelf lose nothing when requests fail and servers die (seed ${seed})`, async t => {
    const chaos = new Chaos(t, seed)
    await chaos.begin(3)

    let pushing = true
    const pushers = Promise.all([chaos.push(40), chaos.push(40), chaos.push(40)]).finally(() => {
      pushing = false
    })
    while (pushing) await chaos.collect()
    await pushers

    assert.ok(chaos.failures > 10 && chaos.deaths > 0 && chaos.epoch > 2)
    const stores = [...chaos.survivors(), (await chaos.open()).store]
    for (const store of stores) {
      for (const i of chaos.committed) {
        assert.deepEqual(Buffer.from(await store.get(chaos.digests[i]!)), chaos.objects[i])
      }
      assert.deepEqual(await damageFound(store), [])
      assert.deepEqual(await filesFound(store), [])
    }
    const lists = await Promise.all(stores.map(digestsIn))
    for (const list of lists) assert.deepEqual(list, lists[0])
  })
}
