import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { isId } from '../../api/ids.ts'
import { OBJECT_MAX } from '../../api/tree.ts'
import type { Store } from '../../store/store.ts'
import { noise, streamOf } from './bytes.ts'

/** A store under test, and what a test needs beside it. */
export interface Bench {
  open(): Promise<Store>
  /** Changes a byte of this object where it is kept, if it is kept, while the store is open. */
  damage(digest: Digest): Promise<void>
  /** Takes everything away. */
  dispose(): Promise<void>
}

const abc = Buffer.from('abc')
const missing = digestOf('nobody ever stored this')

/** Every promise of store.ts that can be seen from outside. */
export function storeConformance(name: string, prepare: () => Promise<Bench>): void {
  describe(`Store: ${name}`, () => {
    let bench: Bench
    let store: Store
    beforeEach(async () => {
      bench = await prepare()
      store = await bench.open()
    })
    afterEach(async () => {
      await store.close()
      await bench.dispose()
    })

    it('has an id of its own', () => {
      assert.ok(isId(store.id))
    })

    it('answers digests in order and gives the bytes back', async () => {
      const objects = [abc, noise(300_000, 1), Buffer.alloc(0), abc]

      const digests = await store.put(objects)

      assert.deepEqual(digests, objects.map(digestOf))
      for (const [i, digest] of digests.entries()) {
        assert.deepEqual(Buffer.from(await store.get(digest)), objects[i])
      }
    })

    it('says in order what is here and how large it is', async () => {
      const [digest] = await store.put([abc])

      assert.deepEqual(await store.has([missing, digest!, missing, digest!]), [
        false,
        true,
        false,
        true,
      ])
      assert.deepEqual(await store.sizes([missing, digest!]), [undefined, 3])
      assert.deepEqual(await store.has([]), [])
    })

    it('refuses what it does not hold', async () => {
      await assert.rejects(store.get(missing), { code: 'OBJECT_UNKNOWN' })
    })

    it('keeps equal objects once', async () => {
      await store.put([abc, abc])
      await store.put(streamOf([abc, Buffer.from('abcd')]))

      const { objects, bytes } = await store.stats()

      assert.deepEqual({ objects, bytes }, { objects: 2, bytes: 7 })
    })

    it('lists nothing of a put that broke off', async () => {
      const [before] = await store.put([abc])
      const large = Array.from({ length: 30 }, (_, i) => noise(200_000, i + 1))
      const cut = streamOf([abc, ...large], new Error('connection lost'))

      await assert.rejects(store.put(cut), /connection lost/)

      assert.deepEqual(await digestsIn(store), [before])
      assert.deepEqual(
        await store.has(large.map(digestOf)),
        large.map(() => false),
      )
      assert.deepEqual(await store.put(large), large.map(digestOf))
    })

    it('refuses an object that is too large, and keeps nothing of that put', async () => {
      const huge = Buffer.alloc(OBJECT_MAX + 1)

      await assert.rejects(store.put([abc, huge]), { code: 'TOO_LARGE' })

      assert.deepEqual(await digestsIn(store), [])
    })

    it('takes an object of the greatest size', async () => {
      const largest = Buffer.alloc(OBJECT_MAX, 7)

      const [digest] = await store.put([largest])

      assert.ok(largest.equals(await store.get(digest!)))
    })

    it('is not changed by changes to the bytes that were put or got', async () => {
      const mine = Buffer.from('mine')
      const [digest] = await store.put([mine])
      mine.fill(0)
      const got = await store.get(digest!)
      got.fill(0)

      const again = await store.get(digest!)

      assert.equal(Buffer.from(again).toString(), 'mine')
    })

    it('stores two puts at once, also of the same objects', async () => {
      const shared = Array.from({ length: 20 }, (_, i) => noise(100_000, i + 1))
      const one = [...shared, Buffer.from('one')]
      const other = [...shared.toReversed(), Buffer.from('other')]

      const [ones, others] = await Promise.all([
        store.put(streamOf(one)),
        store.put(streamOf(other)),
      ])

      assert.deepEqual(ones, one.map(digestOf))
      assert.deepEqual(others, other.map(digestOf))
      assert.deepEqual(await digestsIn(store), [...new Set([...ones, ...others])].sort())
      assert.equal((await store.stats()).objects, 22)
    })

    it('fails one put without failing another that runs beside it', async () => {
      const good = Array.from({ length: 20 }, (_, i) => noise(100_000, i + 1))
      const bad = streamOf([...good, Buffer.from('bad')], new Error('connection lost'))

      const [first, second] = await Promise.allSettled([store.put(bad), store.put(streamOf(good))])

      assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled'])
      assert.deepEqual(await digestsIn(store), good.map(digestOf).sort())
    })

    it('holds many small objects', async () => {
      const objects = Array.from({ length: 10_000 }, (_, i) => Buffer.from(`object ${i}`))

      const digests = await store.put(objects)

      assert.deepEqual(
        await store.has(digests),
        objects.map(() => true),
      )
      assert.equal((await store.stats()).objects, 10_000)
      assert.deepEqual(await digestsIn(store), digests.toSorted())
      assert.equal(Buffer.from(await store.get(digests[9999]!)).toString(), 'object 9999')
    })

    it('forgets what is removed, once or twice, and takes it again', async () => {
      const [one, other] = await store.put([abc, Buffer.from('other')])

      await store.remove([one!, missing])
      await store.remove([one!])

      assert.deepEqual(await store.has([one!, other!]), [false, true])
      await assert.rejects(store.get(one!), { code: 'OBJECT_UNKNOWN' })
      assert.deepEqual((await store.stats()).objects, 1)
      await store.put([abc])
      assert.deepEqual(await digestsIn(store), [one!, other!].sort())
    })

    it('never acknowledges what was removed while it was put', async () => {
      const [digest] = await store.put([abc])
      const source = (async function* () {
        yield abc
        await store.remove([digest!])
        yield Buffer.from('more')
      })()

      const [put] = await Promise.allSettled([store.put(source)])

      assert.deepEqual(await store.has([digest!]), [put.status === 'fulfilled'])
      if (put.status === 'rejected') assert.equal(put.reason.code, 'CONFLICT')
      await store.put([abc])
      assert.deepEqual(await store.has([digest!]), [true])
    })

    it('never gives out damaged bytes, and heals when the right ones come', async () => {
      const object = noise(50_000, 3)
      const [digest, sound] = await store.put([object, abc])
      await bench.damage(digest!)

      await assert.rejects(store.get(digest!), { code: 'OBJECT_DAMAGED' })

      await assert.rejects(store.get(digest!), { code: 'OBJECT_DAMAGED' })
      assert.deepEqual(await store.has([digest!, sound!]), [false, true])
      assert.deepEqual(await digestsIn(store), [sound])
      assert.equal((await store.stats()).objects, 1)
      await store.put([object])
      assert.deepEqual(await store.has([digest!]), [true])
      assert.deepEqual(Buffer.from(await store.get(digest!)), object)
      assert.deepEqual(await Array.fromAsync(store.check()), [])
    })

    it('finds by checking what nobody has read', async () => {
      const [digest, other] = await store.put([noise(50_000, 3), noise(50_000, 4), abc])
      assert.deepEqual(await Array.fromAsync(store.check()), [])
      await bench.damage(digest!)
      await bench.damage(other!)

      const found = await Array.fromAsync(store.check(), one => one.digest)

      assert.deepEqual(found.sort(), [digest, other].sort())
      assert.deepEqual(await store.has([digest!, other!]), [false, false])
      const again = await Array.fromAsync(store.check(), one => one.digest)
      assert.deepEqual(again.sort(), [digest, other].sort())
    })

    it('forgets damaged objects as well', async () => {
      const [digest] = await store.put([noise(50_000, 3), abc])
      await bench.damage(digest!)
      await assert.rejects(store.get(digest!), { code: 'OBJECT_DAMAGED' })

      await store.remove([digest!])

      await assert.rejects(store.get(digest!), { code: 'OBJECT_UNKNOWN' })
      assert.deepEqual(await Array.fromAsync(store.check()), [])
    })

    it('goes on while objects come and go', async () => {
      const rounds = Array.from({ length: 20 }, (_, round) => async () => {
        const objects = [0, 1, 2].map(i => noise(10_000, round * 3 + i + 1))
        const digests = await store.put(objects)
        await store.remove([digests[0]!])
        assert.deepEqual(await store.has(digests), [false, true, true])
        assert.deepEqual(Buffer.from(await store.get(digests[1]!)), objects[1])
      })

      await Promise.all(rounds.map(round => round()))

      assert.equal((await store.stats()).objects, 40)
    })

    it('closes twice, and refuses every call after that', async () => {
      const [digest] = await store.put([abc])

      await store.close()
      await store.close()

      const refused = { code: 'UNAVAILABLE' }
      await assert.rejects(store.put([abc]), refused)
      await assert.rejects(store.get(digest!), refused)
      await assert.rejects(store.has([digest!]), refused)
      await assert.rejects(store.remove([digest!]), refused)
      await assert.rejects(Array.fromAsync(store.list()), refused)
      await assert.rejects(Array.fromAsync(store.check()), refused)
      await assert.rejects(store.stats(), refused)
    })
  })
}

/** Sorted. */
export async function digestsIn(store: Store): Promise<Digest[]> {
  return (await Array.fromAsync(store.list(), one => one.digest)).sort()
}
