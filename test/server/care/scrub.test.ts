import assert from 'node:assert/strict'
import test from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { openScrub } from '../../../server/care/scrub.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { atEnd } from '../open.ts'
import { openScene } from './scene.ts'

const DAY_MS = 24 * 3600_000

/** A scrub over a store of so many bytes, and how many objects it has read. */
async function open(
  t: test.TestContext,
  { days = 10, busy = (): boolean => false }: { days?: number; busy?: () => boolean } = {},
) {
  const objects = new Map<Digest, Uint8Array>()
  const store = await openMemoryStore(objects)
  const scene = await openScene(t, { store })
  await store.put(Array.from({ length: 160 }, (_, n) => Buffer.alloc(1000, String(1000 + n))))
  const scrub = openScrub(scene.parts, { days, busy })
  atEnd(t, () => scrub.close())
  return { scene, scrub, objects, clock: scene.test.clock }
}

test('a scrub reads as much as the days that have passed ask for', async t => {
  const { scrub, clock } = await open(t)

  await scrub.turn()
  const first = await scrub.view()
  clock.now += 5 * DAY_MS
  await scrub.turn()
  const half = await scrub.view()
  clock.now += 5 * DAY_MS
  await scrub.turn()
  const whole = await scrub.view()

  assert.ok(first.bytes < 40_000, String(first.bytes))
  assert.ok(half.bytes >= 80_000 && half.bytes < 120_000, String(half.bytes))
  assert.equal(half.finishedAt, null)
  assert.equal(whole.bytes, 160_000)
  assert.ok(whole.finishedAt)
})

test('when one round is over the next begins', async t => {
  const { scrub, clock } = await open(t, { days: 1 })
  await scrub.turn()
  const first = await scrub.view()
  clock.now += DAY_MS
  await scrub.turn()
  const over = await scrub.view()

  await scrub.turn()

  const next = await scrub.view()
  assert.equal(over.startedAt, first.startedAt)
  assert.ok(over.finishedAt)
  assert.notEqual(next.startedAt, first.startedAt)
  assert.equal(next.finishedAt, null)
})

test('damage that a scrub finds is counted, and is known to the store', async t => {
  const { scene, scrub, objects, clock } = await open(t)
  const [digest, bytes] = [...objects][0]!
  objects.set(digest, Buffer.concat([bytes, Buffer.from('!')]))
  await scrub.turn()
  clock.now += 20 * DAY_MS

  await scrub.turn()

  assert.equal((await scrub.view()).found, 1)
  assert.equal(await scene.parts.store.damaged(), 1)
})

test('nothing is read while a check of everything is running', async t => {
  const { scrub } = await open(t, { busy: () => true })

  await scrub.turn()

  assert.equal((await scrub.view()).bytes, 0)
})
