import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Store } from '../../../store/store.ts'
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

  it('goes on with a check where an earlier one stopped', async () => {
    const objects = Array.from({ length: 60 }, (_, i) => noise(2000 + i, i + 1))
    for (const from of [0, 20, 40]) await at.store.put(objects.slice(from, from + 20))
    const steps = await stepsOf(at.store)
    const [first, second] = steps
    const [digest] = await at.store.put([noise(9000, 99)])
    await at.bench.damage(digest!)

    const rest = await stepsOf(at.store, first!.cursor)

    assert.ok(steps.length >= 3)
    assert.ok(steps.reduce((sum, step) => sum + step.bytes, 0) >= 60 * 2000)
    assert.equal(rest[0]!.cursor, second!.cursor)
    assert.ok(!rest.some(step => step.cursor === first!.cursor))
    assert.ok(rest.every(step => step.cursor > first!.cursor))
    assert.equal(await at.store.damaged(), 1)
  })

  it('counts what is damaged until it is healed', async () => {
    const objects = [noise(5000, 3), noise(5000, 4), noise(5000, 5)]
    const digests = await at.store.put(objects)
    await at.bench.damage(digests[0]!)
    await at.bench.damage(digests[1]!)
    assert.equal(await at.store.damaged(), 0)

    await damageFound(at.store)

    assert.equal(await at.store.damaged(), 2)
    await at.store.put([objects[0]!])
    assert.equal(await at.store.damaged(), 1)
    await at.store.remove([digests[1]!])
    assert.equal(await at.store.damaged(), 0)
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

async function stepsOf(store: Store, from?: string) {
  const found = await Array.fromAsync(store.check(from))
  return found.filter(one => one.kind === 'step')
}
