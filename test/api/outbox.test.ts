import assert from 'node:assert/strict'
import test from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { Outbox } from '../../api/transfer/outbox.ts'
import { BATCH_MAX, HAVE_MAX } from '../../api/transfer/protocol.ts'
import { openMemoryStore } from '../../store/memory.ts'
import { noise } from '../store/bytes.ts'
import { channelTo } from '../store/channel.ts'

const MIB = 1024 * 1024

async function filled(outbox: Outbox, objects: Buffer[]): Promise<Digest[]> {
  const digests = objects.map(digestOf)
  for (const [i, bytes] of objects.entries()) await outbox.add(digests[i]!, bytes)
  return digests
}

test('what names others is sent when those are durable', async () => {
  const store = await openMemoryStore()
  const channel = channelTo(store)
  let durable = 0
  const outbox = new Outbox({
    have: digests => channel.have(digests),
    async objects(frames) {
      // The later a body comes, the sooner it is answered.
      for (let turns = 50 - durable; turns > 0; turns--) await new Promise(setImmediate)
      await channel.objects(frames)
      durable++
    },
  })
  const names = Array.from({ length: 40 }, (_, i) => Buffer.alloc(MIB / 2, i + 1))

  for (let i = 0; i < 40; i++) {
    await filled(outbox, [noise(MIB, i + 1)])
    await outbox.addNaming(digestOf(names[i]!), names[i]!)
  }
  await outbox.flush()

  assert.equal(channel.sent.length, 80)
  const naming = new Set(names.map(digestOf))
  for (const name of naming) {
    const before = channel.sent.slice(0, channel.sent.indexOf(name))
    const data = before.filter(one => !naming.has(one)).length
    assert.ok(data >= [...naming].indexOf(name) + 1, `${data} objects before a name`)
  }
})

test('what is missing here and there goes together', async () => {
  const store = await openMemoryStore()
  const objects = Array.from({ length: 60 }, (_, i) => noise(MIB, i + 1))
  await store.put(objects.filter((_, i) => i % 12 !== 0))
  const channel = channelTo(store)
  let calls = 0
  const outbox = new Outbox({
    have: digests => channel.have(digests),
    objects(frames) {
      calls++
      return channel.objects(frames)
    },
  })

  const digests = await filled(outbox, objects)
  await outbox.flush()

  assert.deepEqual(new Set(channel.sent), new Set(digests.filter((_, i) => i % 12 === 0)))
  assert.equal(outbox.sentBytes, 5 * MIB)
  assert.ok(calls <= 2, `${calls} calls`)
  assert.equal(channel.asked.length, 60)
})

test('an object larger than a batch goes alone, and many tiny ones keep to the limits', async () => {
  const store = await openMemoryStore()
  const channel = channelTo(store)
  const sizes: number[] = []
  const asked: number[] = []
  const outbox = new Outbox({
    have(digests) {
      asked.push(digests.length)
      return channel.have(digests)
    },
    objects(frames) {
      sizes.push(frames[0]!.length)
      return channel.objects(frames)
    },
  })
  const huge = noise(20 * MIB, 1)
  const tiny = Array.from({ length: 20_000 }, (_, i) => Buffer.from(`tiny ${i}`))

  await filled(outbox, [huge, ...tiny])
  await outbox.addNaming(digestOf('name'), Buffer.from('name'))
  await outbox.flush()

  assert.equal((await store.stats()).objects, 20_002)
  assert.ok(Math.max(...sizes) <= BATCH_MAX)
  assert.ok(Math.max(...asked) <= HAVE_MAX)
})

test('the first failure ends it, also when nobody waits for it then', async () => {
  const channel = channelTo(await openMemoryStore())
  const outbox = new Outbox({ ...channel, have: () => Promise.reject(new Error('refused')) })
  const adding = async () => {
    for (let i = 0; i < 60; i++) await filled(outbox, [noise(MIB, i + 1)])
  }

  await assert.rejects(adding(), /refused/)
  await assert.rejects(outbox.flush(), /refused/)
})
