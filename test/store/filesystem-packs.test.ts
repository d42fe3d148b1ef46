import assert from 'node:assert/strict'
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { damageFound, digestsIn } from './conformance.ts'
import { temporaryFolder } from './folders.ts'

const objects = Array.from({ length: 30 }, (_, i) => noise(50_000 + i, i + 1))
const digests = objects.map(digestOf)

test('objects of a pack that went missing are missing, and heal', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  await store.put([Buffer.from('elsewhere')])
  await store.close()
  const packs = join(folder, 'packs')
  const sizes = await Promise.all(
    (await readdir(packs)).map(async name => ({
      name,
      size: (await stat(join(packs, name))).size,
    })),
  )
  const largest = sizes.toSorted((a, b) => b.size - a.size)[0]!
  await rm(join(packs, largest.name))

  const again = await open(t, folder)

  assert.deepEqual(await digestsIn(again), [digestOf('elsewhere')])
  const found = await damageFound(again)
  assert.deepEqual(found.sort(), digests.toSorted())
  await assert.rejects(again.get(digests[0]!), { code: 'OBJECT_DAMAGED' })
  await again.put(objects)
  assert.deepEqual(await damageFound(again), [])
  assert.equal(digestOf(await again.get(digests[0]!)), digests[0])
})

test('a pack that is cut short while the store is open is noticed', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  const packs = join(folder, 'packs')
  for (const name of await readdir(packs)) {
    if (name.endsWith('.pack')) await truncate(join(packs, name), 100_000)
  }

  const found = await damageFound(store)

  assert.deepEqual(found.sort(), digests.slice(1).sort())
  assert.deepEqual(await digestsIn(store), [digests[0]])
})

test('a pack gives its room back when all it held is removed', async t => {
  const { folder, store } = await opened(t)
  const empty = await namesIn(folder)
  await store.put(objects)
  await store.remove(digests.slice(0, 15))
  assert.equal((await namesIn(folder)).filter(name => name.endsWith('.pack')).length, 1)

  await store.remove(digests.slice(15))

  assert.deepEqual(
    (await namesIn(folder)).filter(name => /pack$|idx$/.test(name)),
    [],
  )
  assert.equal((await store.stats()).bytes, 0)
  assert.ok(empty.length > 0)
})

test('many removals leave few marks after the next start', async t => {
  const { folder, store } = await opened(t)
  await store.put(Array.from({ length: 200 }, (_, i) => Buffer.from(`object ${i}`)))
  for (let i = 0; i < 100; i++) await store.remove([digestOf(`object ${i}`)])
  await store.close()

  const again = await open(t, folder)
  await again.close()
  await rm(join(folder, 'index.sqlite'))
  const anew = await open(t, folder)

  assert.equal((await readdir(join(folder, 'marks'))).length, 1)
  assert.equal((await anew.stats()).objects, 100)
  assert.deepEqual(await anew.has([digestOf('object 99'), digestOf('object 100')]), [false, true])
})

test('large puts roll over into packs of a bounded size', async t => {
  const { folder, store } = await opened(t)
  const many = (async function* () {
    for (let i = 0; i < 500; i++) yield noise(250_000, i + 1)
  })()

  const stored = await store.put(many)

  const packs = (await namesIn(folder)).filter(name => name.endsWith('.pack'))
  assert.equal(packs.length, 3)
  assert.equal(new Set(stored).size, 500)
  assert.deepEqual(await damageFound(store), [])
})

async function opened(t: TestContext): Promise<{ folder: string; store: Store }> {
  const folder = join(await temporaryFolder(t), 'store')
  return { folder, store: await open(t, folder) }
}

async function open(t: TestContext, folder: string): Promise<Store> {
  const store = await openFilesystemStore(folder)
  t.after(() => store.close())
  return store
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter(name => !name.startsWith('index.sqlite')).sort()
}

function _plain({ objects, bytes }: { objects: number; bytes: number }) {
  return { objects, bytes }
}

/** Spoils a third of the file, in the middle. */
async function _spoil(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes.fill(0x5a, Math.floor(bytes.length * 0.3), Math.floor(bytes.length * 0.6))
  await writeFile(path, bytes)
}
