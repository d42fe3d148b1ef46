import assert from 'node:assert/strict'
import { it } from 'node:test'
import { noise } from '../bytes.ts'
import { type At, abc, damageFound, digestsIn } from './bench.ts'

/** What `check`, `damaged` and reading promise when stored bytes go bad. */
export function goingBad(at: At): void {
  it('never gives out damaged bytes, and heals when the right ones come', async () => {
    const object = noise(50_000, 3)
    const [digest, sound] = await at.store.put([object, abc])
    await at.bench.damage(digest!)

    await assert.rejects(at.store.get(digest!), { code: 'OBJECT_DAMAGED' })

    await assert.rejects(at.store.get(digest!), { code: 'OBJECT_DAMAGED' })
    assert.deepEqual(await at.store.has([digest!, sound!]), [false, true])
    assert.deepEqual(await digestsIn(at.store), [sound])
    assert.equal((await at.store.stats()).objects, 1)
    await at.store.put([object])
    assert.deepEqual(await at.store.has([digest!]), [true])
    assert.deepEqual(Buffer.from(await at.store.get(digest!)), object)
    assert.deepEqual(await damageFound(at.store), [])
  })

  it('finds by checking what nobody has read', async () => {
    const [digest, other] = await at.store.put([noise(50_000, 3), noise(50_000, 4), abc])
    assert.deepEqual(await damageFound(at.store), [])
    await at.bench.damage(digest!)
    await at.bench.damage(other!)

    const found = await damageFound(at.store)

    assert.deepEqual(found.sort(), [digest, other].sort())
    assert.deepEqual(await at.store.has([digest!, other!]), [false, false])
    const again = await damageFound(at.store)
    assert.deepEqual(again.sort(), [digest, other].sort())
  })

  it('forgets damaged objects as well', async () => {
    const [digest] = await at.store.put([noise(50_000, 3), abc])
    await at.bench.damage(digest!)
    await assert.rejects(at.store.get(digest!), { code: 'OBJECT_DAMAGED' })

    await at.store.remove([digest!])

    await assert.rejects(at.store.get(digest!), { code: 'OBJECT_UNKNOWN' })
    assert.deepEqual(await damageFound(at.store), [])
  })
}
