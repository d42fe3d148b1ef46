import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import { Feed } from '../../store/packed/feed.ts'
import { openPackedStore } from '../../store/packed/store.ts'
import type { Store } from '../../store/store.ts'
import { noise } from './bytes.ts'
import { damageFound, digestsIn, filesFound } from './conformance.ts'
import { temporaryFolder } from './folders.ts'
import { Gate } from './gate.ts'
import { SharedShelf } from './shared-shelf.ts'

const older = Array.from({ length: 20 }, (_, i) => noise(20_000, i + 1))
const fresh = [noise(30_000, 50), older[0]!, noise(400, 51)]
const dead = Array.from({ length: 20 }, (_, i) => noise(20_000, i + 100))
const digests = older.map(digestOf)

const WORK: Record<string, (store: Store) => Promise<unknown>> = {
  'a put': store => store.put(fresh),
  'a removal': store => store.remove(digests.slice(0, 5)),
  'a collection': async store => {
    const condemned = await store.condemn(digests.slice(0, 10))
    try {
      await condemned.spare(digests.slice(5, 10))
      await condemned.remove()
    } finally {
      await condemned.release()
    }
  },
  'a compaction': store => store.compact(0.1),
}

for (const [what, work] of Object.entries(WORK)) {
  test(`a request that fails at any step of ${what} costs nothing, and another server goes on`, async t => {
    for (let step = 1, done = false; !done; step++) {
      const files: SharedShelf['files'] = new Map()
      const { store, shelf } = await open(t, files)
      const { store: other } = await open(t, files)
      await store.put([...older, ...dead])
      await store.remove(dead.map(digestOf))
      let left = step
      shelf.before = () => {
        if (--left === 0) throw new Error('the connection was cut')
      }

      const [result] = await Promise.allSettled([work(store)])

      done = left > 0
      shelf.before = () => {}
      if (result.status === 'rejected') assert.match(result.reason.message, /connection was cut/)
      const kept = digests.slice(5)
      assert.ok((await other.has(kept)).every(Boolean), `step ${step}`)
      assert.deepEqual(await damageFound(other), [], `step ${step}`)
      for (const digest of kept) assert.equal(digestOf(await store.get(digest)), digest)
      await work(other)
      await store.put(fresh)
      assert.deepEqual(await digestsIn(store), await digestsIn(other), `step ${step}`)
      const { store: third } = await open(t, files)
      assert.deepEqual(await digestsIn(third), await digestsIn(other), `step ${step}`)
      for (const one of [store, other, third]) await one.close()
    }
  })
}

test('bytes are there before their segment, and the segment before the news', async t => {
  const { store, shelf } = await open(t, new Map())
  shelf.log.length = 0

  await store.put(fresh)

  const writes = shelf.log.filter(line => /^(write|create|part) /.test(line))
  const [, pack] = /packs\/(.*)\.pack$/.exec(writes[0]!) ?? []
  assert.deepEqual(writes.slice(-3), [
    `write packs/${pack}.pack`,
    `write packs/${pack}.idx`,
    'create feed/000000000001',
  ])
})

test('who missed news that was taken away lists everything', async t => {
  const files: SharedShelf['files'] = new Map()
  const { store } = await open(t, files)
  const { store: other } = await open(t, files)
  for (let i = 0; i < 150; i++) await store.put([Buffer.from(`object ${i}`)])
  await store.remove([digestOf('object 3')])
  const feed = new Feed(new SharedShelf(files))
  await feed.skip()
  await feed.prune(Date.now() + 48 * 3600_000)
  assert.ok(!files.has('feed/000000000001'))

  const listed = await digestsIn(other)

  assert.equal(listed.length, 149)
  assert.deepEqual(listed, await digestsIn(store))
})

test('damaged news is found, and means that everything is listed', async t => {
  const files: SharedShelf['files'] = new Map()
  const { store } = await open(t, files)
  const { store: other } = await open(t, files)
  await store.put(older)
  files.get('feed/000000000001')!.bytes[20]! ^= 1

  assert.deepEqual(await digestsIn(other), digests.toSorted())

  assert.deepEqual(await filesFound(store), ['feed/000000000001'])
  assert.deepEqual(await filesFound(store), [])
  const { store: third } = await open(t, files)
  assert.deepEqual(await digestsIn(third), digests.toSorted())
})

test('a server that was killed releases what it had condemned when it starts again', async t => {
  const files: SharedShelf['files'] = new Map()
  const folder = await temporaryFolder(t)
  const owner = newId()
  const killed = await openPackedStore({
    shelf: new SharedShelf(files),
    catalog: join(folder, 'killed.sqlite'),
    owner,
  })
  const { store: other } = await open(t, files)
  await killed.put(older)
  await killed.condemn(digests.slice(0, 5))
  assert.deepEqual(await other.has(digests.slice(4, 6)), [false, true])

  const again = await openPackedStore({
    shelf: new SharedShelf(files),
    catalog: join(folder, 'again.sqlite'),
    owner,
  })
  t.after(() => again.close())

  assert.deepEqual(await other.has(digests.slice(4, 6)), [true, true])
  await killed.close()
})

test('no pack goes before all know that it is empty', async t => {
  const files: SharedShelf['files'] = new Map()
  const [one, dying, witness] = [await open(t, files), await open(t, files), await open(t, files)]
  const [last, first, second] = [noise(500, 60), noise(500, 61), noise(500, 62)]
  for (const object of [last, first, second]) await one.store.put([object])
  await witness.store.has([digestOf(last)])
  const [burying, telling] = [new Gate(), new Gate()]
  one.shelf.before = request => (/^remove packs/.test(request) ? burying.pass() : undefined)
  const removals = [one.store.remove([digestOf(first)])]
  await burying.come
  removals.push(one.store.remove([digestOf(second)]))
  while (![...files.keys()].includes('feed/000000000005')) await new Promise(setImmediate)

  // Its mark is written, and that is all.
  dying.shelf.before = cut(/^create feed/)
  await assert.rejects(dying.store.remove([digestOf(last)]), /connection was cut/)
  files.set('feed/000000000006', { bytes: Buffer.from('cannot be read'), at: Date.now() })
  one.shelf.before = request => (/^create feed/.test(request) ? telling.pass() : undefined)
  const hearing = one.store.has([digestOf(last)])
  await telling.come
  one.shelf.before = cut(/^create feed/)
  burying.open()
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)

  const [read] = await Promise.allSettled([witness.store.get(digestOf(last))])
  telling.open()
  await Promise.allSettled([...removals, hearing])
  assert.equal(read.status, 'fulfilled', read.status === 'rejected' ? read.reason : '')
})

function cut(what: RegExp): (request: string) => void {
  return request => {
    if (what.test(request)) throw new Error('the connection was cut')
  }
}

async function open(
  t: TestContext,
  files: SharedShelf['files'],
): Promise<{ store: Store; shelf: SharedShelf }> {
  const shelf = new SharedShelf(files)
  const catalog = join(await temporaryFolder(t), 'index.sqlite')
  const store = await openPackedStore({ shelf, catalog, owner: newId() })
  t.after(() => store.close())
  return { store, shelf }
}
