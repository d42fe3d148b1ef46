import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import fc from 'fast-check'
import { type Digest, digestFromRaw, digestOf, rawOf } from '../../../api/digest.ts'
import { encodeTree } from '../../../api/tree.ts'
import { KeySet } from '../../../server/care/key-set.ts'
import { Reach } from '../../../server/care/reach.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { objectsOf, putBytes, putFolder } from '../../../store/trees.ts'
import type { Files } from './scene.ts'

async function* items(files: Files) {
  for (const [path, text] of Object.entries(files)) yield { path, content: Buffer.from(text) }
}

test('a set of keys answers as a map of levels does, however many there are', () => {
  const key = fc.nat({ max: 300 }).map(n => digestOf(String(n)))
  const steps = fc.array(fc.tuple(key, fc.integer({ min: 1, max: 255 })), { maxLength: 2000 })

  fc.assert(
    fc.property(steps, pairs => {
      const set = new KeySet(32)
      const model = new Map<Digest, number>()
      for (const [digest, level] of pairs) {
        const before = model.get(digest) ?? 0
        assert.equal(set.raise(rawOf(digest), level), before)
        model.set(digest, Math.max(before, level))
      }
      assert.equal(set.size, model.size)
      for (const [digest, level] of model) assert.equal(set.level(rawOf(digest)), level)
      assert.equal(set.has(randomBytes(32)), false)
    }),
  )
})

test('a reach meets every object of a folder once, with its size', async () => {
  const store = await openMemoryStore()
  const large = randomBytes(300_000)
  const { digest } = await putFolder(
    store,
    items({ 'a.csv': '1', 'b/large.bin': large, 'c/again.bin': large, empty: '' }),
  )
  const met = new Map<Digest, number>()

  await new Reach(store).content(digest, (raw, size) => {
    const name = digestFromRaw(raw)
    assert.ok(!met.has(name), name)
    met.set(name, size)
  })

  const all = await Array.fromAsync(objectsOf(store, digest))
  assert.deepEqual([...met.keys()].sort(), all.toSorted())
  const sizes = await store.sizes(all)
  assert.deepEqual(
    all.map(one => met.get(one)),
    sizes,
  )
})

test('bytes that hold a folder, met first as a part of a file, are still read as a folder', async () => {
  const store = await openMemoryStore()
  const inner = await putBytes(store, Buffer.alloc(20_000, 'x'))
  const entry = { name: 'x.bin', kind: 'file', size: inner.size, digest: inner.digest } as const
  const encoded = encodeTree([entry])
  const [folder] = await store.put([encoded])
  const file = await putBytes(store, encoded)
  const reach = new Reach(store)

  await reach.content(file.digest, () => {})
  await reach.content(folder!, () => {})

  assert.ok(reach.has(rawOf(folder!)))
  for await (const digest of objectsOf(store, folder!)) assert.ok(reach.has(rawOf(digest)), digest)
})

test('what cannot be read is told, and hides what is below it', async () => {
  const store = await openMemoryStore()
  const { digest } = await putFolder(store, items({ 'below/a.bin': Buffer.alloc(20_000) }))
  const [, below] = await Array.fromAsync(objectsOf(store, digest))
  await store.remove([below!])
  const reach = new Reach(store)

  await reach.content(digest, () => {})

  assert.equal(reach.hidden?.digest, below)
})

test('what is only perhaps an object is no trouble when it is none', async () => {
  const reach = new Reach(await openMemoryStore())

  await reach.perhaps(digestOf('nothing of ours'), () => assert.fail('it is not there'))

  assert.equal(reach.hidden, undefined)
  assert.equal(reach.size, 0)
})
