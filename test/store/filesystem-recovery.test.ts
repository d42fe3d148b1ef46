import assert from 'node:assert/strict'
import {
  copyFile,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { diskFiles } from '../../store/disk/files.ts'
import { openDiskShelf } from '../../store/disk/shelf.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import type { Catalog } from '../../store/packed/catalog.ts'
import { LiveCatalog } from '../../store/packed/live-catalog.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { digestsIn, filesFound } from './conformance.ts'
import { damageIn, flipBit } from './damage.ts'
import { temporaryFolder } from './folders.ts'

const objects = Array.from({ length: 30 }, (_, i) => noise(50_000 + i, i + 1))
const digests = objects.map(digestOf)

test('everything is there after it was closed and opened again', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  await store.remove([digests[0]!])
  await damageIn(folder, digests[1]!)
  await assert.rejects(store.get(digests[1]!), { code: 'OBJECT_DAMAGED' })
  const before = { id: store.id, stats: await store.stats(), list: await digestsIn(store) }
  await store.close()

  const again = await open(t, folder)

  const after = { id: again.id, stats: await again.stats(), list: await digestsIn(again) }
  assert.deepEqual(
    { ...after, stats: plain(after.stats) },
    { ...before, stats: plain(before.stats) },
  )
  assert.deepEqual(after.list, digests.slice(2).sort())
  assert.deepEqual(Buffer.from(await again.get(digests[2]!)), objects[2])
})

/** What may happen to the cache; the segments and marks say the same as before. */
const LOSSES: Record<string, (catalog: string, older: string) => Promise<void>> = {
  'is missing': catalog => rm(catalog),
  'is no database': catalog => writeFile(catalog, 'nonsense'.repeat(1000)),
  'is empty': catalog => truncate(catalog, 0),
  'is cut short': async catalog => truncate(catalog, (await stat(catalog)).size >> 1),
  'has a damaged page': catalog => spoil(catalog),
  'is behind': (catalog, older) => copyFile(older, catalog),
}
for (const [what, lose] of Object.entries(LOSSES)) {
  test(`nothing is lost, and nothing comes back, if the catalog ${what}`, async t => {
    const { folder, store } = await opened(t)
    const [catalog, older] = [join(folder, 'index.sqlite'), join(folder, '..', 'older.sqlite')]
    await store.put(objects.slice(0, 10))
    await store.close()
    await copyFile(catalog, older)
    const next = await open(t, folder)
    await next.put(objects)
    await next.remove([digests[0]!, digests[29]!])
    await damageIn(folder, digests[1]!)
    await assert.rejects(next.get(digests[1]!), { code: 'OBJECT_DAMAGED' })
    await next.close()
    await lose(catalog, older)

    const again = await open(t, folder)

    const sound = digests.slice(2, 29)
    assert.deepEqual(await digestsIn(again), sound.toSorted())
    assert.equal((await again.stats()).objects, 27)
    assert.equal(
      (await again.stats()).bytes,
      sound.reduce((sum, _, i) => sum + 50_002 + i, 0),
    )
    for (const digest of sound) assert.equal(digestOf(await again.get(digest)), digest)
    await again.put([objects[0]!])
    assert.deepEqual(await again.has([digests[0]!]), [true])
  })
}

test('the catalog is built anew when it turns out damaged in use, and the question asked again', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  await store.close()
  const shelf = await openDiskShelf(folder, diskFiles)
  t.after(() => shelf.close())
  const live = await LiveCatalog.open(shelf, join(folder, 'index.sqlite'), store.id)
  t.after(() => live.close())
  const asked: Catalog[] = []
  // What node:sqlite throws for a page that is not what it should be.
  const malformed = Object.assign(new Error('database disk image is malformed'), { errcode: 11 })

  const ask = () =>
    live.ask(catalog => {
      asked.push(catalog)
      if (catalog === asked[0]) throw malformed
      return catalog.total().objects
    })

  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [30, 30, 30])
  assert.equal(new Set(asked).size, 2)
})

test('a catalog that points to the wrong place is not taken for damage of the objects', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  await store.close()
  const catalog = new DatabaseSync(join(folder, 'index.sqlite'))
  catalog.exec('UPDATE object SET offset = offset + 1')
  catalog.close()

  const again = await open(t, folder)

  for (const digest of digests) assert.equal(digestOf(await again.get(digest)), digest)
  assert.deepEqual(await readdir(join(folder, 'marks')), [])
})

test('what a crash left is swept', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  await store.close()
  const kept = await namesIn(folder)
  const packs = join(folder, 'packs')
  await writeFile(join(packs, `${'0'.repeat(32)}.pack`), 'half a pack')
  await writeFile(join(packs, `${'1'.repeat(32)}.idx.tmp`), 'half a segment')
  await writeFile(join(folder, 'marks', `${'2'.repeat(32)}.gone.tmp`), 'half a mark')

  const again = await open(t, folder)

  assert.deepEqual(await namesIn(folder), kept)
  assert.deepEqual(await digestsIn(again), digests.toSorted())
})

test('a damaged segment is written anew from its pack', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  await store.close()
  const packs = join(folder, 'packs')
  const [segment] = (await readdir(packs)).filter(name => name.endsWith('.idx'))
  const whole = await readFile(join(packs, segment!))
  await flipBit(join(packs, segment!), 100)
  await rm(join(folder, 'index.sqlite'))

  const again = await open(t, folder)

  assert.deepEqual(await digestsIn(again), digests.toSorted())
  assert.deepEqual(await readFile(join(packs, segment!)), whole)
})

for (const when of ['while the store is open', 'before the store is opened']) {
  test(`a segment that went missing ${when} is written anew, and costs nothing`, async t => {
    const { folder, store } = await opened(t)
    await store.put(objects)
    const packs = join(folder, 'packs')
    const [segment] = (await readdir(packs)).filter(name => name.endsWith('.idx'))
    if (when.startsWith('before')) await store.close()
    await rm(join(packs, segment!))

    const again = when.startsWith('before') ? await open(t, folder) : store

    const found = await filesFound(again)
    assert.deepEqual(found, when.startsWith('before') ? [] : [`packs/${segment}`])
    for (const digest of digests) assert.equal(digestOf(await again.get(digest)), digest)
    await again.close()
    await rm(join(folder, 'index.sqlite'))
    assert.deepEqual(await digestsIn(await open(t, folder)), digests.toSorted())
  })
}

test('a store that is not of this version, or has lost its name, is refused', async t => {
  const { folder, store } = await opened(t)
  await store.put(objects)
  await store.close()
  const identity = join(folder, 'store.json')
  const refused = (message: RegExp) => ({ code: 'CONFIGURATION', message })

  await rename(identity, `${identity}.away`)
  await assert.rejects(
    openFilesystemStore(folder),
    refused(/^store\.json of the store in .* is missing although/),
  )
  await writeFile(identity, JSON.stringify({ kind: 'kaos store', version: 2, id: store.id }))
  await assert.rejects(openFilesystemStore(folder), refused(/is of version 2/))
  await writeFile(identity, '{')
  await rm(join(folder, 'index.sqlite'))
  await assert.rejects(openFilesystemStore(folder), refused(/is damaged/))
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

function plain({ objects, bytes }: { objects: number; bytes: number }) {
  return { objects, bytes }
}

/** Spoils a third of the file, in the middle. */
async function spoil(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes.fill(0x5a, Math.floor(bytes.length * 0.3), Math.floor(bytes.length * 0.6))
  await writeFile(path, bytes)
}
