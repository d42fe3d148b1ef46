import assert from 'node:assert/strict'
import { appendFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { type Channel, sendFolder } from '../../api/transfer/send.ts'
import { sendFile } from '../../api/transfer/send-file.ts'
import { EMPTY_TREE, encodeFile } from '../../api/tree.ts'
import { openMemoryStore } from '../../store/memory.ts'
import { entriesOf, entryAt, readFile, readSmallFile, requireComplete } from '../../store/trees.ts'
import { noise } from '../store/bytes.ts'
import { channelTo } from '../store/channel.ts'
import { type Files, lay, temporaryFolder } from '../store/folders.ts'

test('sends a folder as a tree that is complete', async t => {
  const files = {
    'model/train': 'print(1)\n',
    Dockerfile: 'FROM x\n',
    'data/large': noise(900_000, 1),
  }
  const folder = await laid(t, { ...files, 'empty/': '', 'data/none': '' })
  await chmod(join(folder, 'model/train'), 0o755)
  const store = await openMemoryStore()

  const sent = await sendFolder(folder, channelTo(store))

  assert.deepEqual([sent.files, sent.bytes], [4, 900_016])
  assert.deepEqual(await requireComplete(store, sent.tree), {
    files: 4,
    folders: 3,
    bytes: 900_016,
  })
  const names = (await entriesOf(store, sent.tree)).map(({ name, kind, size }) => [
    name,
    kind,
    size,
  ])
  assert.deepEqual(names, [
    ['Dockerfile', 'file', 7],
    ['data', 'folder', 900_000],
    ['empty', 'folder', 0],
    ['model', 'folder', 9],
  ])
  assert.equal((await entryAt(store, sent.tree, 'empty'))?.digest, EMPTY_TREE)
  assert.equal((await entryAt(store, sent.tree, 'model/train'))?.kind, 'executable')
  const large = await entryAt(store, sent.tree, 'data/large')
  const bytes = await Array.fromAsync(readFile(store, large!.digest))
  assert.ok(files['data/large'].equals(Buffer.concat(bytes)))
})

test('sends an empty folder', async t => {
  const store = await openMemoryStore()

  const sent = await sendFolder(await laid(t, {}), channelTo(store))

  assert.deepEqual([sent.tree, sent.files, sent.bytes], [EMPTY_TREE, 0, 0])
  assert.deepEqual(await store.has([EMPTY_TREE]), [true])
})

test('equal folders have one digest, whatever their links, times and modes', async t => {
  const one = await laid(t, { 'a/x': 'same', b: 'same' })
  const other = await laid(t, { 'a/x': 'same' })
  await symlink('a/x', join(other, 'b'))
  await chmod(join(other, 'a/x'), 0o640)
  const channel = channelTo(await openMemoryStore())

  const trees = [await sendFolder(one, channel), await sendFolder(other, channel)]

  assert.equal(trees[0]?.tree, trees[1]?.tree)
})

test('sends nothing that is there, and nothing twice', async t => {
  const large = noise(20_000_000, 1)
  const folder = await laid(t, { a: large, 'copy/a': large, b: 'x', c: 'x', 'copy/b': 'x' })
  const store = await openMemoryStore()
  const first = channelTo(store)
  const second = channelTo(store)

  const sent = await sendFolder(folder, first)
  const again = await sendFolder(folder, second)

  assert.equal(new Set(first.sent).size, first.sent.length)
  assert.deepEqual(second.sent, [])
  assert.equal(again.tree, sent.tree)
  assert.equal(again.sentBytes, 0)
  assert.equal(sent.sentBytes, (await store.stats()).bytes)
})

test('sends of a changed folder only what changed, children before parents', async t => {
  const large = noise(20_000_000, 1)
  const folder = await laid(t, { 'deep/er/large': large, other: noise(3_000_000, 2) })
  const store = await openMemoryStore()
  const before = await sendFolder(folder, channelTo(store))
  large.fill(7, 10_000_000, 10_000_010)
  await writeFile(join(folder, 'deep/er/large'), large)
  const channel = channelTo(store)

  const after = await sendFolder(folder, channel)

  assert.notEqual(after.tree, before.tree)
  assert.ok(after.sentBytes < 600_000, `sent ${after.sentBytes} bytes`)
  const file = await entryAt(store, after.tree, 'deep/er/large')
  const folders = [
    await entryAt(store, after.tree, 'deep/er'),
    await entryAt(store, after.tree, 'deep'),
  ]
  const parents = [file, ...folders].map(entry => entry!.digest)
  assert.deepEqual(channel.sent.slice(-4), [...parents, after.tree])
})

test('keeps to the limits of a batch', async t => {
  const files = Object.fromEntries(
    Array.from({ length: 9000 }, (_, i) => [`${i % 10}/${i}`, `file ${i}`] as const),
  )
  const folder = await laid(t, { ...files, large: noise(30_000_000, 1) })
  const store = await openMemoryStore()
  const channel = channelTo(store)
  const asked: number[] = []
  const sent: number[] = []

  await sendFolder(folder, {
    have(digests) {
      asked.push(digests.length)
      return channel.have(digests)
    },
    objects(frames) {
      sent.push(frames.reduce((sum, frame) => sum + frame.length, 0))
      return channel.objects(frames)
    },
  })

  assert.ok(Math.max(...asked) <= 8192)
  assert.ok(Math.max(...sent) <= 16 * 1024 * 1024)
  assert.ok(sent.length >= 4 && sent.length <= 10, `${sent.length} calls`)
})

test('tells how far it is, never backwards, and ends with all', async t => {
  const folder = await laid(t, { a: noise(3_000_000, 1), b: 'x' })
  const told: { bytes: number; files: number }[] = []

  await sendFolder(folder, channelTo(await openMemoryStore()), { progress: one => told.push(one) })

  assert.deepEqual(told.at(-1), { bytes: 3_000_001, files: 2 })
  assert.ok(told.length > 3)
  assert.deepEqual(
    told.map(one => one.bytes),
    told.map(one => one.bytes).toSorted((a, b) => a - b),
  )
})

test('stops when it is told to', async t => {
  const folder = await laid(t, { a: noise(30_000_000, 1) })
  const stop = new AbortController()

  const sending = sendFolder(folder, channelTo(await openMemoryStore()), {
    signal: stop.signal,
    progress: () => stop.abort(),
  })

  await assert.rejects(sending, { name: 'AbortError' })
})

for (const call of ['have', 'objects'] as const) {
  test(`passes on why the other side refused ${call}`, async t => {
    const folder = await laid(t, { a: noise(40_000_000, 1) })
    const channel = channelTo(await openMemoryStore())
    const failing: Channel = { ...channel, [call]: () => Promise.reject(new Error('no more room')) }

    await assert.rejects(sendFolder(folder, failing), /no more room/)
  })
}

/** Lays a large file and does this to it in the middle of the first so many readings. */
async function sendChanging(t: TestContext, times: number, change: (path: string) => void) {
  const folder = await laid(t, { log: noise(5_000_000, 1), steady: 'x' })
  const store = await openMemoryStore()
  const told: number[] = []
  let changes = 0
  const progress = ({ bytes, files }: { bytes: number; files: number }) => {
    told.push(bytes)
    if (files === 0 && bytes > 2_000_000 && changes++ < times) change(join(folder, 'log'))
  }
  const sent = await sendFolder(folder, channelTo(store), { progress })
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  )
  return readSmallFile(store, (await entryAt(store, sent.tree, 'log'))!.digest, 9_000_000)
}

test('reads a file once more that was changed while it was read', async t => {
  const rewritten = await sendChanging(t, 1, path => writeFileSync(path, noise(5_000_000, 2)))
  const grown = await sendChanging(t, 1, path => appendFileSync(path, 'more'))
  const cut = await sendChanging(t, 1, path => truncateSync(path, 1_000_000))

  assert.ok(rewritten.equals(noise(5_000_000, 2)))
  assert.ok(grown.equals(Buffer.concat([noise(5_000_000, 1), Buffer.from('more')])))
  assert.ok(cut.equals(noise(5_000_000, 1).subarray(0, 1_000_000)))
})

test('refuses a file that does not stand still', async t => {
  const refused = { code: 'INVALID_BUNDLE', message: /^log changes while it is read; stop what/ }

  await assert.rejects(
    sendChanging(t, Infinity, path => appendFileSync(path, 'more')),
    refused,
  )
  await assert.rejects(
    sendChanging(t, Infinity, path => utimesSync(path, new Date(), new Date())),
    refused,
  )
})

test('sends a file outside any tree', async t => {
  const folder = await laid(t, { log: 'one line\n' })
  const store = await openMemoryStore()

  const sent = await sendFile(join(folder, 'log'), channelTo(store))

  const list = encodeFile([{ digest: digestOf('one line\n'), length: 9 }])
  assert.deepEqual(sent, { digest: digestOf(list), size: 9 })
  assert.equal((await readSmallFile(store, sent.digest, 9)).toString(), 'one line\n')
  await assert.rejects(sendFile(join(folder, 'none'), channelTo(store)), { code: 'INVALID_BUNDLE' })
})

async function laid(t: TestContext, files: Files): Promise<string> {
  const folder = await temporaryFolder(t)
  await lay(folder, files)
  return folder
}
