import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { chmod, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Digest } from '../../api/digest.ts'
import { type SendOptions, sendFolder } from '../../api/transfer/send.ts'
import { decodeFile } from '../../api/tree.ts'
import { openMemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/store.ts'
import { entryAt, readSmallFile, requireComplete } from '../../store/trees.ts'
import { noise } from '../store/bytes.ts'
import { channelTo } from '../store/channel.ts'
import { type Files, lay, temporaryFolder } from '../store/folders.ts'

const LARGE = 40_000
const FILES: Files = {
  'a/large': noise(LARGE, 1),
  'a/small': 'small',
  'b/deep/large': noise(LARGE, 2),
  'b/deep/other': noise(LARGE, 3),
  'b/x': 'x',
  top: noise(LARGE, 4),
}

test('of a folder that is as it was only the tree is asked for, and nothing is read', async t => {
  const { push } = await pushed(t)

  const again = await push()

  assert.deepEqual(again.asked, [again.tree])
  assert.deepEqual(again.sent, [])
  assert.deepEqual([again.files, again.bytes], [6, 4 * LARGE + 6])
  assert.equal(again.tree, (await push({ fresh: true })).tree)
})

test('of a folder that changed only what changed is read, and the small files beside it', async t => {
  const { folder, push, store, first } = await pushed(t)
  await writeFile(join(folder, 'b/deep/large'), noise(LARGE, 5))

  const { asked, tree, sent } = await push()

  const kept = ['a', 'b/deep/other', 'top']
  const digestAt = async (path: string) => (await entryAt(store, tree, path))!.digest
  for (const path of kept) assert.ok(asked.includes(await digestAt(path)), path)
  const unread = await chunksOf(store, first.tree, ['b/deep/other', 'top', 'a/large'])
  for (const chunk of unread) assert.ok(!asked.includes(chunk))
  const fresh = ['b/deep/large', 'b/deep', 'b']
  assert.deepEqual(
    sent.slice(-4),
    await Promise.all([...fresh.map(digestAt), Promise.resolve(tree)]),
  )
  assert.equal(tree, (await push({ fresh: true })).tree)
})

const CHANGES: [string, (folder: string) => unknown][] = [
  ['a file that was added', folder => writeFile(join(folder, 'b/new'), 'new')],
  ['a file that is gone', folder => unlink(join(folder, 'b/x'))],
  ['a folder that is gone', folder => rm(join(folder, 'b/deep'), { recursive: true })],
  ['a folder that was added', folder => lay(join(folder, 'c'), { y: 'y' })],
  ['a file with another name', folder => rename(join(folder, 'top'), join(folder, 'tip'))],
  [
    'a file in the place of another',
    folder => rename(join(folder, 'top'), join(folder, 'a/large')),
  ],
  ['a file that can be executed now', folder => chmod(join(folder, 'b/deep/large'), 0o755)],
  ['a small file that can be executed now', folder => chmod(join(folder, 'b/x'), 0o755)],
  [
    'a file in the place of a folder',
    async folder => {
      await rm(join(folder, 'b/deep'), { recursive: true })
      await writeFile(join(folder, 'b/deep'), 'deep')
    },
  ],
]
for (const [what, change] of CHANGES) {
  test(`sees ${what}`, async t => {
    const { folder, push, first } = await pushed(t)
    await change(folder)

    const after = await push()

    assert.notEqual(after.tree, first.tree)
    assert.equal(after.tree, (await push({ fresh: true })).tree)
    assert.equal(after.tree, (await push()).tree)
  })
}

test('sees a file that was edited without changing its size and the time of its change', async t => {
  const { folder, push, store } = await pushed(t)
  for (const path of ['a/large', 'a/small']) {
    const file = join(folder, path)
    const { atime, mtime, size } = statSync(file)
    writeFileSync(file, Buffer.alloc(size, 7))
    utimesSync(file, atime, mtime)
    assert.deepEqual([statSync(file).mtime, statSync(file).size], [mtime, size])
  }

  const { tree } = await push()

  const contentOf = async (path: string) =>
    readSmallFile(store, (await entryAt(store, tree, path))!, LARGE)
  assert.deepEqual(await contentOf('a/large'), Buffer.alloc(LARGE, 7))
  assert.deepEqual(await contentOf('a/small'), Buffer.alloc(5, 7))
})

test('reads a file again that was no older than the moment when it was looked at', async t => {
  const { push, chunks } = await pushed(t, { late: false })

  const again = await push()
  const later = await push({}, 10_000)
  const last = await push()

  assert.ok(chunks.every(chunk => again.asked.includes(chunk)))
  assert.ok(chunks.every(chunk => later.asked.includes(chunk)))
  assert.deepEqual(last.asked, [last.tree])
})

test('reads what the other side turns out to lack', async t => {
  const { push, first } = await pushed(t)
  const other = await openMemoryStore()

  const elsewhere = await push({}, 0, other)

  assert.equal(elsewhere.tree, first.tree)
  assert.equal((await requireComplete(other, first.tree)).files, 6)
  const lost = await chunksOf(other, first.tree, ['a/large'])
  const list = (await entryAt(other, first.tree, 'a/large'))!.digest
  const folder = (await entryAt(other, first.tree, 'a'))!.digest
  await other.remove([...lost, list, folder, first.tree])
  const healed = await push({}, 0, other)
  assert.deepEqual(new Set(healed.sent), new Set([...lost, list, folder, first.tree]))
  assert.ok(!healed.asked.includes((await chunksOf(other, first.tree, ['top']))[0]!))
})

test('what was read for a push that failed need not be read again', async t => {
  const { folder, push, cache, store } = await pushed(t)
  await writeFile(join(folder, 'b/deep/large'), noise(LARGE, 5))
  const failing = { ...channelTo(store), objects: () => Promise.reject(new Error('no more')) }

  await assert.rejects(sendFolder(folder, failing, { cache }), /no more/)

  const asked: Digest[] = []
  const have = async (digests: readonly Digest[]) => digests.map(one => asked.push(one) > 0)
  const { tree } = await sendFolder(folder, { have, objects: async () => {} }, { cache })
  assert.deepEqual(asked, [tree])
  assert.equal(tree, (await push({ fresh: true })).tree)
})

test('a cache that is damaged or of another program is as if it were not there', async t => {
  const { push, cache, first, chunks } = await pushed(t)
  const good = readFileSync(cache)
  const bad = [
    Buffer.alloc(0),
    Buffer.from('{"entries": []}'),
    good.subarray(0, -1),
    noise(5000, 9),
  ]
  for (const bytes of bad) {
    writeFileSync(cache, bytes)

    const after = await push()

    assert.equal(after.tree, first.tree)
    assert.ok(chunks.every(chunk => after.asked.includes(chunk)))
    assert.deepEqual((await push()).asked, [first.tree])
  }
})

test('a bit that flipped in the cache changes nothing of what is sent', async t => {
  const { push, cache, first } = await pushed(t)
  const good = readFileSync(cache)
  for (let at = 0; at < good.length; at += 41) {
    const bytes = Buffer.from(good)
    bytes[at]! ^= 1 << (at % 8)
    writeFileSync(cache, bytes)

    assert.equal((await push()).tree, first.tree)
  }
})

test('a folder can be sent where nothing can be remembered', async t => {
  const { folder, first, cache } = await pushed(t)
  const channel = channelTo(await openMemoryStore())

  // A file is in the way of the cache's folder.
  const sent = await sendFolder(folder, channel, { cache: join(cache, 'below') })

  assert.equal(sent.tree, first.tree)
})

test('nothing but the cache is left beside it', async t => {
  const { push, cache, folder } = await pushed(t)
  await writeFile(join(folder, 'top'), 'changed')
  const failing = { ...channelTo(await openMemoryStore()), have: () => Promise.reject(new Error()) }

  await push()
  await assert.rejects(sendFolder(folder, failing, { cache }))
  await assert.rejects(sendFolder(folder, failing, { cache, fresh: true }))

  assert.deepEqual(readdirSync(dirname(cache)), ['cache.stat'])
})

test('counts what there is before it reads when it is asked to', async t => {
  const { folder, cache } = await pushed(t)
  const totals = new Set<number | undefined>()
  const progress = ({ total }: { total?: number }) => totals.add(total)
  const channel = channelTo(await openMemoryStore())

  await sendFolder(folder, channel, { measure: true, progress })
  await sendFolder(folder, channel, { cache, progress })

  assert.deepEqual([...totals], [4 * LARGE + 6])
})

/** A folder that was pushed once with a cache, when its files were old, or (not `late`) just made. */
async function pushed(t: TestContext, { late = true } = {}) {
  const home = await temporaryFolder(t)
  const [folder, cache] = [join(home, 'folder'), join(home, 'caches', 'cache.stat')]
  await lay(folder, FILES)
  const store = await openMemoryStore()
  // When the first of them was written, however long the others took.
  const times = Object.keys(FILES).map(path => statSync(join(folder, path)).ctimeMs)
  const start = Math.floor(Math.min(...times))
  t.mock.timers.enable({ apis: ['Date'], now: start + (late ? 10_000 : 0) })

  async function push(options: SendOptions = {}, afterMs = 0, to: Store = store) {
    if (afterMs > 0) t.mock.timers.setTime(start + afterMs)
    const channel = channelTo(to)
    const sent = await sendFolder(folder, channel, { cache, ...options })
    return { ...sent, asked: channel.asked, sent: channel.sent, store: to }
  }

  const first = await push()
  const chunks = await chunksOf(store, first.tree, ['a/large', 'top'])
  return { folder, cache, store, push, first, chunks }
}

/** Of these files. */
async function chunksOf(store: Store, tree: Digest, paths: string[]): Promise<Digest[]> {
  const chunks = paths.map(async path => {
    const { digest } = (await entryAt(store, tree, path))!
    return decodeFile(await store.get(digest)).map(chunk => chunk.digest)
  })
  return (await Promise.all(chunks)).flat()
}
