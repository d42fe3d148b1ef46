import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Digest, digestOf } from '../../../api/digest.ts'
import type { Store } from '../../../store/store.ts'
import { noise } from '../bytes.ts'
import { type At, abc, digestsIn, missing } from './bench.ts'

const objects = Array.from({ length: 6 }, (_, i) => noise(1000 * (i + 1), i + 1))
const digests = objects.map(digestOf)

/** What `condemn` promises. */
export function condemning(at: At): void {
  it('calls what is condemned absent, but still reads, lists and counts it', async () => {
    await at.store.put(objects)

    await at.store.condemn([digests[0]!, missing, digests[1]!])

    assert.deepEqual(await at.store.has(digests.slice(0, 3)), [false, false, true])
    assert.deepEqual(await at.store.sizes(digests.slice(0, 3)), [undefined, undefined, 3000])
    assert.deepEqual(Buffer.from(await at.store.get(digests[0]!)), objects[0])
    assert.deepEqual(await digestsIn(at.store), digests.toSorted())
    assert.equal((await at.store.stats()).objects, 6)
  })

  it('forgets what is condemned, and says how much that is', async () => {
    await at.store.put(objects)
    const condemned = await at.store.condemn(digests.slice(0, 3))

    const gone = await condemned.remove()

    assert.deepEqual(gone, { objects: 3, bytes: 6000 })
    assert.deepEqual(await digestsIn(at.store), digests.slice(3).sort())
    await assert.rejects(at.store.get(digests[0]!), { code: 'OBJECT_UNKNOWN' })
    const { objects: left, bytes } = await at.store.stats()
    assert.deepEqual({ left, bytes }, { left: 3, bytes: 15_000 })
  })

  it('keeps what is put again meanwhile', async () => {
    await at.store.put(objects)
    const condemned = await at.store.condemn(digests)

    await at.store.put([objects[0]!, objects[2]!])

    assert.deepEqual(await at.store.has(digests.slice(0, 3)), [true, false, true])
    assert.deepEqual(await condemned.remove(), { objects: 4, bytes: 17_000 })
    assert.deepEqual(await digestsIn(at.store), [digests[0]!, digests[2]!].sort())
    assert.deepEqual(Buffer.from(await at.store.get(digests[2]!)), objects[2])
  })

  it('takes back what is spared', async () => {
    await at.store.put(objects)
    const condemned = await at.store.condemn(digests)

    await condemned.spare([digests[1]!, missing, digests[4]!])
    await condemned.spare([digests[4]!])

    assert.deepEqual(await at.store.has([digests[1]!, digests[2]!]), [true, false])
    assert.deepEqual(await condemned.remove(), { objects: 4, bytes: 14_000 })
    assert.deepEqual(await digestsIn(at.store), [digests[1]!, digests[4]!].sort())
  })

  it('lets all live that is released, and removes nothing after that', async () => {
    await at.store.put(objects)
    const condemned = await at.store.condemn(digests)

    await condemned.release()

    assert.deepEqual(
      await at.store.has(digests),
      digests.map(() => true),
    )
    assert.equal((await at.store.stats()).objects, 6)
  })

  it('releases nothing after it was removed', async () => {
    await at.store.put(objects)
    const condemned = await at.store.condemn(digests.slice(0, 2))
    await condemned.remove()

    await condemned.release()

    assert.deepEqual(await at.store.has(digests.slice(0, 3)), [false, false, true])
  })

  it('lets a later condemnation release an earlier one, which then removes nothing', async () => {
    await at.store.put(objects)
    const earlier = await at.store.condemn(digests.slice(0, 2))

    const later = await at.store.condemn([digests[2]!])

    assert.deepEqual(await at.store.has(digests.slice(0, 3)), [true, true, false])
    await assert.rejects(earlier.remove(), { code: 'CONFLICT' })
    assert.deepEqual(await later.remove(), { objects: 1, bytes: 3000 })
    assert.equal((await at.store.stats()).objects, 5)
  })

  it('never acknowledges what was condemned and removed while it was put', async () => {
    const [digest] = await at.store.put([abc])
    const source = (async function* () {
      yield abc
      yield noise(3_000_000, 9)
      const condemned = await at.store.condemn([digest!])
      await condemned.remove()
    })()

    const [put] = await Promise.allSettled([at.store.put(source)])

    assert.deepEqual(await at.store.has([digest!]), [put.status === 'fulfilled'])
    if (put.status === 'rejected') assert.equal(put.reason.code, 'CONFLICT')
  })

  it('forgets condemned copies that are damaged', async () => {
    await at.store.put(objects)
    await at.bench.damage(digests[3]!)
    await assert.rejects(at.store.get(digests[3]!), { code: 'OBJECT_DAMAGED' })

    const condemned = await at.store.condemn(digests)
    await condemned.remove()

    assert.deepEqual(await digestsIn(at.store), [])
    assert.equal(await at.store.damaged(), 0)
    await assert.rejects(at.store.get(digests[3]!), { code: 'OBJECT_UNKNOWN' })
  })

  it('loses nothing that was committed while collections run, not even what was garbage before', async () => {
    const bench = new Collected(at.store)
    await at.store.put(bench.objects)

    const pushers = [0, 1, 2].map(lane => bench.push(lane))
    const collections = await bench.collect(Promise.all(pushers))

    assert.ok(collections > 0)
    assert.deepEqual(await digestsIn(at.store), [...bench.committed].sort())
    for (const [i, digest] of bench.digests.entries()) {
      if (!bench.committed.has(digest)) continue
      assert.deepEqual(Buffer.from(await at.store.get(digest)), bench.objects[i])
    }
  })
}

/** Pushers and a collector that keep the server's rule: a commit holds only if no collection has
 * condemned anything since its push looked at what is here. */
class Collected {
  readonly objects = Array.from({ length: 120 }, (_, i) => noise(3000, i + 100))
  readonly digests = this.objects.map(digestOf)
  readonly committed = new Set<Digest>()
  readonly #store: Store
  #epoch = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Commits two thirds of its third of the objects. */
  async push(lane: number): Promise<void> {
    for (let i = lane; i < this.objects.length; i += 3) {
      if (i % 9 >= 6) continue
      for (let epoch = -1; epoch !== this.#epoch; ) {
        epoch = this.#epoch
        const [here] = await this.#store.has([this.digests[i]!])
        if (!here) await this.#store.put([this.objects[i]!])
        if (epoch === this.#epoch) this.committed.add(this.digests[i]!)
      }
    }
  }

  /** Collects until the pushers are done, and once more; answers how often. */
  async collect(pushers: Promise<unknown>): Promise<number> {
    let pushing = true
    void pushers.then(() => {
      pushing = false
    })
    for (let round = 1; ; round++) {
      const last = !pushing
      const garbage = this.digests.filter(digest => !this.committed.has(digest))
      const condemned = await this.#store.condemn(garbage)
      this.#epoch++
      await condemned.spare(this.committed)
      await condemned.remove()
      await this.#store.compact(0.3)
      if (last) return round
    }
  }
}
