import assert from 'node:assert/strict'
import { it } from 'node:test'
import { digestOf } from '../../../api/digest.ts'
import { isId } from '../../../api/ids.ts'
import { OBJECT_MAX } from '../../../api/tree.ts'
import { noise, streamOf } from '../bytes.ts'
import { type At, abc, digestsIn, missing } from './bench.ts'

/** What `put`, `get`, `has` and `sizes` promise. */
export function putting(at: At): void {
  it('has an id of its own', () => {
    assert.ok(isId(at.store.id))
  })

  it('answers digests in order and gives the bytes back', async () => {
    const objects = [abc, noise(300_000, 1), Buffer.alloc(0), abc]

    const digests = await at.store.put(objects)

    assert.deepEqual(digests, objects.map(digestOf))
    for (const [i, digest] of digests.entries()) {
      assert.deepEqual(Buffer.from(await at.store.get(digest)), objects[i])
    }
  })

  it('says in order what is here and how large it is', async () => {
    const [digest] = await at.store.put([abc])

    assert.deepEqual(await at.store.has([missing, digest!, missing, digest!]), [
      false,
      true,
      false,
      true,
    ])
    assert.deepEqual(await at.store.sizes([missing, digest!]), [undefined, 3])
    assert.deepEqual(await at.store.has([]), [])
  })

  it('says since when each object is here', async () => {
    const before = Date.now()
    await at.store.put([abc])
    const after = Date.now()

    const [listed] = await Array.fromAsync(at.store.list())

    assert.ok(listed!.at >= before && listed!.at <= after, `${before} ${listed!.at} ${after}`)
  })

  it('refuses what it does not hold', async () => {
    await assert.rejects(at.store.get(missing), { code: 'OBJECT_UNKNOWN' })
  })

  it('keeps equal objects once', async () => {
    await at.store.put([abc, abc])
    await at.store.put(streamOf([abc, Buffer.from('abcd')]))

    const { objects, bytes } = await at.store.stats()

    assert.deepEqual({ objects, bytes }, { objects: 2, bytes: 7 })
  })

  it('lists nothing of a put that broke off', async () => {
    const [before] = await at.store.put([abc])
    const large = Array.from({ length: 30 }, (_, i) => noise(200_000, i + 1))
    const cut = streamOf([abc, ...large], new Error('connection lost'))

    await assert.rejects(at.store.put(cut), /connection lost/)

    assert.deepEqual(await digestsIn(at.store), [before])
    assert.deepEqual(
      await at.store.has(large.map(digestOf)),
      large.map(() => false),
    )
    assert.deepEqual(await at.store.put(large), large.map(digestOf))
  })

  it('refuses an object that is too large, and keeps nothing of that put', async () => {
    const huge = Buffer.alloc(OBJECT_MAX + 1)

    await assert.rejects(at.store.put([abc, huge]), { code: 'TOO_LARGE' })

    assert.deepEqual(await digestsIn(at.store), [])
  })

  it('takes an object of the greatest size', async () => {
    const largest = Buffer.alloc(OBJECT_MAX, 7)

    const [digest] = await at.store.put([largest])

    assert.ok(largest.equals(await at.store.get(digest!)))
  })

  it('is not changed by changes to the bytes that were put or got', async () => {
    const mine = Buffer.from('mine')
    const [digest] = await at.store.put([mine])
    mine.fill(0)
    const got = await at.store.get(digest!)
    got.fill(0)

    const again = await at.store.get(digest!)

    assert.equal(Buffer.from(again).toString(), 'mine')
  })

  it('stores two puts at once, also of the same objects', async () => {
    const shared = Array.from({ length: 20 }, (_, i) => noise(100_000, i + 1))
    const one = [...shared, Buffer.from('one')]
    const other = [...shared.toReversed(), Buffer.from('other')]

    const [ones, others] = await Promise.all([
      at.store.put(streamOf(one)),
      at.store.put(streamOf(other)),
    ])

    assert.deepEqual(ones, one.map(digestOf))
    assert.deepEqual(others, other.map(digestOf))
    assert.deepEqual(await digestsIn(at.store), [...new Set([...ones, ...others])].sort())
    assert.equal((await at.store.stats()).objects, 22)
  })

  it('fails one put without failing another that runs beside it', async () => {
    const good = Array.from({ length: 20 }, (_, i) => noise(100_000, i + 1))
    const bad = streamOf([...good, Buffer.from('bad')], new Error('connection lost'))

    const [first, second] = await Promise.allSettled([
      at.store.put(bad),
      at.store.put(streamOf(good)),
    ])

    assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled'])
    assert.deepEqual(await digestsIn(at.store), good.map(digestOf).sort())
  })
}
