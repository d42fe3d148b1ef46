import assert from 'node:assert/strict'
import { it } from 'node:test'
import { digestOf } from '../../../api/digest.ts'
import { noise } from '../bytes.ts'
import { type At, abc, damageFound, digestsIn } from './bench.ts'

const objects = Array.from({ length: 40 }, (_, i) => noise(50_000 + i, i + 1))
const digests = objects.map(digestOf)

/** What `compact` promises. */
export function compacting(at: At): void {
  it('keeps every object when it gives back room, and leaves little that is forgotten', async () => {
    await at.store.put(objects)
    await at.store.put([abc])
    const condemned = await at.store.condemn(digests.slice(0, 30))
    await condemned.remove()

    const given = await at.store.compact(0.5)

    assert.ok(given >= 0)
    assert.equal((await at.store.stats()).deadBytes ?? 0, 0)
    assert.deepEqual(await digestsIn(at.store), [...digests.slice(30), digestOf(abc)].sort())
    for (const [i, digest] of digests.slice(30).entries()) {
      assert.deepEqual(Buffer.from(await at.store.get(digest)), objects[30 + i])
    }
    assert.deepEqual(await damageFound(at.store), [])
    assert.equal(await at.store.compact(0.5), 0)
  })

  it('leaves packs alone of which little is forgotten', async () => {
    await at.store.put(objects)
    await at.store.remove(digests.slice(0, 10))

    const given = await at.store.compact(0.5)

    assert.equal(given, 0)
    assert.equal((await at.store.stats()).objects, 30)
  })

  it('gives readers every object while it works', async () => {
    await at.store.put(objects)
    await at.store.remove(digests.filter((_, i) => i % 2 === 0))
    const kept = digests.filter((_, i) => i % 2 === 1)
    let done = false
    const readers = [0, 1, 2, 3].map(async () => {
      let reads = 0
      while (!done || reads < kept.length) {
        const digest = kept[reads++ % kept.length]!
        assert.equal(digestOf(await at.store.get(digest)), digest)
      }
    })

    await at.store.compact(0.2)

    done = true
    await Promise.all(readers)
    assert.deepEqual(await digestsIn(at.store), kept.toSorted())
  })

  it('forgets nothing that is put, and keeps nothing that is removed, while it works', async () => {
    await at.store.put(objects)
    await at.store.remove(digests.slice(0, 30))
    const more = Array.from({ length: 20 }, (_, i) => noise(10_000, i + 500))

    await Promise.all([
      at.store.compact(0.2),
      at.store.put(more),
      at.store.remove(digests.slice(30, 35)),
      at.store.put(objects.slice(0, 3)),
    ])

    const expected = [...digests.slice(35), ...more.map(digestOf), ...digests.slice(0, 3)]
    assert.deepEqual(await digestsIn(at.store), expected.sort())
    for (const digest of expected) assert.equal(digestOf(await at.store.get(digest)), digest)
  })

  it('neither condemns nor saves anything by moving it', async () => {
    await at.store.put(objects)
    await at.store.remove(digests.slice(0, 30))
    const condemned = await at.store.condemn(digests.slice(30, 35))

    await at.store.compact(0.2)

    assert.deepEqual(
      await at.store.has(digests.slice(30)),
      digests.slice(30).map((_, i) => i >= 5),
    )
    assert.equal((await condemned.remove()).objects, 5)
    await at.store.compact(0.2)
    assert.deepEqual(await digestsIn(at.store), digests.slice(35).sort())
  })

  it('keeps what is known of damage that nobody has healed', async () => {
    await at.store.put(objects)
    await at.store.remove(digests.slice(0, 30))
    await at.bench.damage(digests[30]!)
    await assert.rejects(at.store.get(digests[30]!), { code: 'OBJECT_DAMAGED' })

    await at.store.compact(0.2)

    assert.equal(await at.store.damaged(), 1)
    await assert.rejects(at.store.get(digests[30]!), { code: 'OBJECT_DAMAGED' })
    await at.store.put([objects[30]!])
    await at.store.compact(0.2)
    assert.equal(await at.store.damaged(), 0)
    assert.deepEqual(await digestsIn(at.store), digests.slice(30).sort())
    assert.deepEqual(await damageFound(at.store), [])
  })
}
