import assert from 'node:assert/strict'
import { it } from 'node:test'
import { noise } from '../bytes.ts'
import { type At, abc, digestsIn, missing } from './bench.ts'

/** What `remove` promises. */
export function removing(at: At): void {
  it('forgets what is removed, once or twice, and takes it again', async () => {
    const [one, other] = await at.store.put([abc, Buffer.from('other')])

    await at.store.remove([one!, missing])
    await at.store.remove([one!])

    assert.deepEqual(await at.store.has([one!, other!]), [false, true])
    await assert.rejects(at.store.get(one!), { code: 'OBJECT_UNKNOWN' })
    assert.deepEqual((await at.store.stats()).objects, 1)
    await at.store.put([abc])
    assert.deepEqual(await digestsIn(at.store), [one!, other!].sort())
  })

  it('never acknowledges what was removed while it was put', async () => {
    const [digest] = await at.store.put([abc])
    const source = (async function* () {
      yield abc
      await at.store.remove([digest!])
      yield Buffer.from('more')
    })()

    const [put] = await Promise.allSettled([at.store.put(source)])

    assert.deepEqual(await at.store.has([digest!]), [put.status === 'fulfilled'])
    if (put.status === 'rejected') assert.equal(put.reason.code, 'CONFLICT')
    await at.store.put([abc])
    assert.deepEqual(await at.store.has([digest!]), [true])
  })

  it('goes on while objects come and go', async () => {
    const rounds = Array.from({ length: 20 }, (_, round) => async () => {
      const objects = [0, 1, 2].map(i => noise(10_000, round * 3 + i + 1))
      const digests = await at.store.put(objects)
      await at.store.remove([digests[0]!])
      assert.deepEqual(await at.store.has(digests), [false, true, true])
      assert.deepEqual(Buffer.from(await at.store.get(digests[1]!)), objects[1])
    })

    await Promise.all(rounds.map(round => round()))

    assert.equal((await at.store.stats()).objects, 40)
  })
}
