import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { type Bench, damageFound, digestsIn } from './conformance.ts'

const objects = Array.from({ length: 12 }, (_, i) => noise(20_000 + i, i + 1))
const digests = objects.map(digestOf)

/** What two stores over one shared place see of each other. */
export function sharingConformance(name: string, prepare: () => Promise<Bench>): void {
  describe(`Two stores: ${name}`, () => {
    let bench: Bench
    let one: Store
    let other: Store
    beforeEach(async () => {
      bench = await prepare()
      one = await bench.open()
      other = await bench.open()
    })
    afterEach(async () => {
      await one.close()
      await other.close()
      await bench.dispose()
    })

    it('are the same store', () => {
      assert.equal(one.id, other.id)
    })

    it('see what the other puts, as soon as it is acknowledged', async () => {
      for (const [i, object] of objects.entries()) {
        const [from, to] = i % 2 === 0 ? [one, other] : [other, one]
        await from.put([object])
        if (i % 3 === 0) assert.deepEqual(await to.sizes([digests[i]!]), [object.length])
        assert.deepEqual(Buffer.from(await to.get(digests[i]!)), object)
      }

      assert.deepEqual(await digestsIn(one), digests.toSorted())
      assert.deepEqual(await digestsIn(other), digests.toSorted())
      assert.deepEqual(await plain(one), await plain(other))
    })

    it('keep what the other has put once', async () => {
      await one.put(objects)

      await other.put(objects)

      assert.equal((await other.stats()).packs, 1)
      assert.equal((await one.stats()).packs, 1)
    })

    it('put at the same time, again and again, and lose nothing', async () => {
      const put = async (store: Store, lane: number) => {
        for (let i = 0; i < 10; i++) {
          await store.put([noise(5000, lane * 100 + i + 1), objects[i]!])
        }
      }

      await Promise.all([put(one, 1), put(other, 2), put(one, 3), put(other, 4)])

      assert.equal((await one.stats()).objects, 50)
      assert.deepEqual(await digestsIn(one), await digestsIn(other))
      for (const digest of await digestsIn(one)) {
        assert.equal(digestOf(await other.get(digest)), digest)
      }
    })

    it('see what the other removes', async () => {
      await one.put(objects)
      await other.get(digests[0]!)

      await one.remove([digests[0]!, digests[1]!])

      assert.deepEqual(await other.has(digests.slice(0, 3)), [false, false, true])
      await assert.rejects(other.get(digests[0]!), { code: 'OBJECT_UNKNOWN' })
      await other.put([objects[0]!])
      assert.deepEqual(await one.has(digests.slice(0, 2)), [true, false])
    })

    it('see what the other condemns, spares and removes', async () => {
      await one.put(objects)
      await other.has(digests)

      const condemned = await one.condemn(digests.slice(0, 6))
      assert.deepEqual(await other.has(digests.slice(4, 8)), [false, false, true, true])
      assert.deepEqual(Buffer.from(await other.get(digests[4]!)), objects[4])
      await condemned.spare([digests[4]!])
      assert.deepEqual(await other.has(digests.slice(4, 6)), [true, false])
      await other.put([objects[5]!])
      const gone = await condemned.remove()

      assert.equal(gone.objects, 4)
      assert.deepEqual(await digestsIn(other), digests.slice(4).sort())
      assert.deepEqual(await digestsIn(one), digests.slice(4).sort())
    })

    it('let one condemnation at a time stand: the later collector releases the earlier', async () => {
      await one.put(objects)
      const earlier = await one.condemn(digests.slice(0, 6))

      const later = await other.condemn(digests.slice(6, 9))

      assert.deepEqual(
        await one.has(digests),
        digests.map((_, i) => i < 6 || i >= 9),
      )
      await assert.rejects(earlier.remove(), { code: 'CONFLICT' })
      await later.remove()
      assert.equal((await one.stats()).objects, 9)
    })

    it('let no two condemnations that begin at the same moment both remove', async () => {
      await one.put(objects)

      const both = await Promise.allSettled([one.condemn(digests), other.condemn(digests)])
      const removals = await Promise.allSettled(
        both.map(async result => {
          if (result.status === 'rejected') throw result.reason
          return result.value.remove()
        }),
      )

      const removed = removals.filter(result => result.status === 'fulfilled').length
      assert.ok(removed <= 1)
      assert.deepEqual(await digestsIn(one), removed === 1 ? [] : digests.toSorted())
      assert.deepEqual(await digestsIn(other), await digestsIn(one))
    })

    it('never acknowledge what the other removed while it was put', async () => {
      await one.put([objects[0]!])
      await other.has(digests)
      const source = (async function* () {
        yield objects[0]!
        yield noise(2_000_000, 77)
        const condemned = await one.condemn([digests[0]!])
        await condemned.remove()
      })()

      const [put] = await Promise.allSettled([other.put(source)])

      assert.deepEqual(await one.has([digests[0]!]), [put.status === 'fulfilled'])
      if (put.status === 'rejected') assert.equal(put.reason.code, 'CONFLICT')
    })

    it('find every object while the other compacts', async () => {
      await one.put(objects)
      await other.put(objects.map(object => Buffer.concat([object, object])))
      await one.remove(digests.slice(0, 9))
      const kept = (await digestsIn(other)).toSorted()
      let done = false
      const reader = (async () => {
        for (let i = 0; !done || i < kept.length; i++) {
          const digest = kept[i % kept.length]!
          assert.equal(digestOf(await other.get(digest)), digest)
        }
      })()

      await one.compact(0.1)

      done = true
      await reader
      assert.deepEqual(await digestsIn(other), kept)
      assert.equal((await other.stats()).deadBytes, 0)
      assert.deepEqual(await damageFound(other), [])
    })

    it('both compact at the same time, and lose nothing', async () => {
      await one.put(objects)
      await other.put(objects.map(object => Buffer.concat([object, object])))
      await one.remove(digests.slice(0, 9))
      const kept = await digestsIn(one)

      await Promise.allSettled([one.compact(0.1), other.compact(0.1)])
      await one.compact(0.1)

      assert.deepEqual(await digestsIn(one), kept)
      assert.deepEqual(await digestsIn(other), kept)
      for (const digest of kept) assert.equal(digestOf(await other.get(digest)), digest)
      assert.deepEqual(await damageFound(one), [])
    })

    it('know of damage that the other found, and of its healing', async () => {
      await one.put(objects)
      await bench.damage(digests[3]!)

      await assert.rejects(one.get(digests[3]!), { code: 'OBJECT_DAMAGED' })

      assert.deepEqual(await other.has([digests[3]!]), [false])
      assert.equal(await other.damaged(), 1)
      await other.put([objects[3]!])
      assert.deepEqual(Buffer.from(await one.get(digests[3]!)), objects[3])
      assert.equal(await one.damaged(), 0)
    })

    it('catch up after any pause, whatever happened in it', async () => {
      await one.put(objects)
      await other.close()
      const condemned = await one.condemn(digests.slice(0, 6))
      await condemned.remove()
      await one.compact(0.1)
      await one.put([noise(1000, 1)])

      other = await bench.open()

      assert.deepEqual(await digestsIn(other), await digestsIn(one))
      assert.deepEqual(await plain(other), await plain(one))
      assert.deepEqual(await damageFound(other), [])
    })

    it('leave to the living what was condemned by one that is closed', async () => {
      await one.put(objects)
      await one.condemn(digests)
      await one.close()

      assert.deepEqual(
        await other.has(digests),
        digests.map(() => true),
      )
    })
  })
}

async function plain(store: Store) {
  const { objects: count, bytes, packs, deadBytes } = await store.stats()
  return { count, bytes, packs, deadBytes }
}
