import assert from 'node:assert/strict'
import { it } from 'node:test'
import { digestOf } from '../../../api/digest.ts'
import { noise } from '../bytes.ts'
import { type At, digestsIn } from './bench.ts'

const COUNT = 100_000

/** The same promises for much. */
export function many(at: At): void {
  it('holds 100,000 small objects, and forgets most of them', async () => {
    const text = (i: number) => Buffer.from(`object ${i}`)

    const digests = await at.store.put(Array.from({ length: COUNT }, (_, i) => text(i)))

    assert.ok((await at.store.has(digests)).every(Boolean))
    assert.equal((await at.store.stats()).objects, COUNT)
    assert.deepEqual(await digestsIn(at.store), digests.toSorted())
    for (const i of [0, 1, 5000, 77_777, 99_999]) {
      assert.deepEqual(Buffer.from(await at.store.get(digests[i]!)), text(i))
    }
    const condemned = await at.store.condemn(digests.slice(10))
    await condemned.remove()
    await at.store.compact(0.5)
    assert.deepEqual(await digestsIn(at.store), digests.slice(0, 10).sort())
    assert.deepEqual(Buffer.from(await at.store.get(digests[7]!)), text(7))
  })

  it('reads objects of all sizes, in the order of a large put and in any other', async () => {
    const sizes = [0, 1, 15_999, 65_536, 262_144, 1_048_571, 1_048_572, 1_048_573, 3_000_000]
    const objects = Array.from({ length: 45 }, (_, i) => noise(sizes[i % 9]! + (i % 5), i + 1))
    const digests = await at.store.put(objects)

    const inOrder = await Promise.all(digests.map(digest => at.store.get(digest)))
    for (const [i, bytes] of inOrder.entries()) assert.equal(digestOf(bytes), digests[i])
    for (const i of [...digests.keys()].reverse()) {
      assert.deepEqual(Buffer.from(await at.store.get(digests[i]!)), objects[i])
    }
  })

  it('takes a put of several packs, and one that brings it again', async () => {
    async function* source() {
      for (let i = 0; i < 500; i++) yield noise(250_000, i + 1)
    }

    const digests = await at.store.put(source())
    const again = await at.store.put(source())

    assert.deepEqual(again, digests)
    assert.equal((await at.store.stats()).objects, 500)
    for (const i of [0, 210, 499])
      assert.equal(digestOf(await at.store.get(digests[i]!)), digests[i])
  })
}
