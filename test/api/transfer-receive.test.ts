import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '../../api/digest.ts'
import { parseFrames } from '../../api/transfer/frames.ts'
import { DEPTH_MAX, frameHeader } from '../../api/transfer/protocol.ts'
import { receiveFile, receiveTree } from '../../api/transfer/receive.ts'
import { sendFolder } from '../../api/transfer/send.ts'
import {
  EMPTY_FILE,
  EMPTY_TREE,
  type Entry,
  encodeFile,
  encodeTree,
  isEntryName,
  OBJECT_MAX,
} from '../../api/tree.ts'
import { openMemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/store.ts'
import { fileFrames, putBytes, treeFrames } from '../../store/trees.ts'
import { noise, streamOf } from '../store/bytes.ts'
import { channelTo } from '../store/channel.ts'
import { contentsOf, type Files, lay, temporaryFolder } from '../store/folders.ts'

const someName = fc
  .oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), fc.constantFrom('a', 'A', 'ä'))
  .filter(name => isEntryName(name) && !name.includes('\\'))
const someBytes = fc
  .tuple(
    fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 400_000 })),
    fc.nat(),
  )
  .map(([length, seed]) => noise(length, seed))
const someFolder = fc
  .array(fc.tuple(fc.array(someName, { minLength: 1, maxLength: 3 }), someBytes), { maxLength: 6 })
  .map(files => files.map(([path, bytes]) => [path.join('/'), bytes] as const))
  // No file may be in the way of a folder.
  .map(files =>
    files.filter(
      ([path]) => !files.some(([other]) => other !== path && other.startsWith(`${path}/`)),
    ),
  )
  .map(files => Object.fromEntries(files))

test('what was sent comes back as it was', async t => {
  const folder = await temporaryFolder(t)
  const store = await openMemoryStore()
  let round = 0

  await fc.assert(
    fc.asyncProperty(someFolder, async files => {
      const [source, target] = [join(folder, `${++round}`), join(folder, `${round}-back`)]
      await lay(source, files)
      const sent = await sendFolder(source, channelTo(store), { ignores: () => false })

      const received = await receiveTree(treeFrames(store, sent.tree), sent.tree, target)

      assert.deepEqual(received, { files: sent.files, bytes: sent.bytes })
      assert.deepEqual(await contentsOf(target), await contentsOf(source))
      assert.deepEqual(await contentsOf(target), files)
    }),
    { numRuns: 25 },
  )
})

test('a file called __proto__ comes back like any other', async t => {
  const { folder, store, tree } = await pushed(t, { 'a/__proto__': 'x', __proto__x: 'y' })

  await receiveTree(treeFrames(store, tree), tree, join(folder, 'back'))

  const back = Object.entries(await contentsOf(join(folder, 'back')))
  assert.deepEqual(back.map(([path]) => path).sort(), ['__proto__x', 'a/__proto__'])
})

test('lays files out with plain modes, whatever the umask', async t => {
  const { folder, store, tree } = await pushed(t, { 'bin/run': '#!', 'bin/x': noise(600_000, 1) })
  const modes = async (target: string) =>
    Promise.all(
      ['bin', 'bin/run', 'bin/x'].map(async one => (await stat(join(target, one))).mode & 0o777),
    )
  const before = process.umask(0o077)
  t.after(() => process.umask(before))

  await receiveTree(treeFrames(store, tree), tree, join(folder, 'plain'))

  assert.deepEqual(await modes(join(folder, 'plain')), [0o755, 0o755, 0o644])
})

test('takes an empty folder as target, and makes folders above it', async t => {
  const { folder, store, tree } = await pushed(t, { x: 'content' })
  await mkdir(join(folder, 'there'))

  await receiveTree(treeFrames(store, tree), tree, join(folder, 'there'))
  await receiveTree(treeFrames(store, tree), tree, join(folder, 'not/yet/there'))

  assert.deepEqual(await readdir(join(folder, 'there')), ['x'])
  assert.deepEqual(await readdir(join(folder, 'not/yet/there')), ['x'])
})

test('takes a target whose name is as long as a name can be', async t => {
  const { folder, store, tree } = await pushed(t, { x: 'content' })
  const target = join(folder, '長'.repeat(85))

  await receiveTree(treeFrames(store, tree), tree, target)

  assert.deepEqual(await readdir(target), ['x'])
})

test('does not touch a folder that holds something, nor a file', async t => {
  const { folder, store, tree } = await pushed(t, { x: 'new' })
  await lay(join(folder, 'full'), { x: 'old' })

  const into = (target: string) => receiveTree(treeFrames(store, tree), tree, join(folder, target))

  await assert.rejects(into('full'), { code: 'BAD_REQUEST', message: /is not empty; give another/ })
  await assert.rejects(into('full/x'), { code: 'BAD_REQUEST', message: /is not a folder; give/ })
  assert.deepEqual(await contentsOf(join(folder, 'full')), { x: Buffer.from('old') })
})

test('a cut stream is called so wherever it was cut, and leaves nothing behind', async t => {
  const { folder, store, tree } = await pushed(t, { 'a/x': noise(500_000, 1), b: 'b' })
  const whole = Buffer.concat(await Array.fromAsync(treeFrames(store, tree)))
  const target = join(folder, 'new/target')

  for (const end of [0, 3, 4, 50, 200, 400_000, whole.length - 2, whole.length - 1]) {
    const cut = receiveTree(streamOf([whole.subarray(0, end)]), tree, target)

    await assert.rejects(cut, { code: 'UNAVAILABLE', message: /the download was cut/ })
    assert.deepEqual(await readdir(folder), ['source'])
  }
  const reset = streamOf([whole.subarray(0, 1000)], new Error('ECONNRESET'))
  await assert.rejects(receiveTree(reset, tree, target), { code: 'UNAVAILABLE' })
  assert.deepEqual(await readdir(folder), ['source'])
})

test('any changed bit is noticed, and leaves nothing behind', async t => {
  const { folder, store, tree } = await pushed(t, { 'a/x': noise(30_000, 1), b: 'b' })
  const whole = Buffer.concat(await Array.fromAsync(treeFrames(store, tree)))

  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
      const bad = Buffer.from(whole)
      bad[at]! ^= 1 << bit

      await assert.rejects(receiveTree(streamOf([bad]), tree, join(folder, 'target')), {
        name: 'KaosError',
      })

      assert.deepEqual(await readdir(folder), ['source'])
    }),
    { numRuns: 60 },
  )
})

test('refuses more than was asked for', async t => {
  const { folder, store, tree } = await pushed(t, { x: 'x' })
  const whole = Buffer.concat(await Array.fromAsync(treeFrames(store, tree)))

  const longer = receiveTree(
    streamOf([whole, frame(Buffer.from('x'))]),
    tree,
    join(folder, 'target'),
  )

  await assert.rejects(longer, { code: 'DIGEST_MISMATCH' })
  assert.deepEqual(await readdir(folder), ['source'])
})

test('refuses a tree that states other sizes than its files have', async t => {
  const folder = await temporaryFolder(t)
  const list = encodeFile([{ digest: digestOf('abc'), length: 2 }])
  const lies: Uint8Array[][] = [
    [treeOf({ size: 7, digest: EMPTY_FILE }), encodeFile([])],
    [treeOf({ size: 2, digest: digestOf(list) }), list, Buffer.from('abc')],
    [treeOf({ kind: 'folder', size: 1, digest: EMPTY_TREE }), encodeTree([])],
  ]

  for (const objects of lies) {
    const tree = digestOf(objects[0]!)
    const lie = receiveTree(streamOf(objects.map(frame)), tree, join(folder, 'target'))
    await assert.rejects(lie, { code: 'DIGEST_MISMATCH', message: /bytes, not \d+ as stated/ })
  }
  assert.deepEqual(await readdir(folder), [])
})

test('refuses folders that are nested too deeply', async t => {
  const folder = await temporaryFolder(t)
  const trees = [encodeTree([])]
  for (let i = 0; i <= DEPTH_MAX; i++) {
    trees.unshift(treeOf({ kind: 'folder', name: 'd', size: 0, digest: digestOf(trees[0]!) }))
  }

  const deep = receiveTree(streamOf(trees.map(frame)), digestOf(trees[0]!), join(folder, 'target'))

  await assert.rejects(deep, { code: 'BAD_REQUEST' })
  assert.deepEqual(await readdir(folder), [])
})

test('stops when it is told to, and leaves nothing behind', async t => {
  const { folder, store, tree } = await pushed(t, { x: noise(3_000_000, 1) })
  const stop = new AbortController()

  const receiving = receiveTree(treeFrames(store, tree), tree, join(folder, 'target'), {
    signal: stop.signal,
    progress: () => stop.abort(),
  })

  await assert.rejects(receiving, { name: 'AbortError' })
  assert.deepEqual(await readdir(folder), ['source'])
})

test('receives a single file, in the place of one that is there', async t => {
  const folder = await temporaryFolder(t)
  const store = await openMemoryStore()
  const bytes = noise(900_000, 1)
  const { digest, size } = await putBytes(store, streamOf([bytes]))
  const path = join(folder, 'logs/log')

  await receiveFile(fileFrames(store, digest), digest, path)
  const received = await receiveFile(fileFrames(store, digest), digest, path)

  assert.deepEqual(received, { files: 1, bytes: size })
  assert.ok(bytes.equals(await readFile(path)))
  assert.deepEqual(await readdir(join(folder, 'logs')), ['log'])
  const cut = receiveFile(streamOf([]), digest, join(folder, 'other'))
  await assert.rejects(cut, { code: 'UNAVAILABLE' })
  assert.deepEqual(await readdir(folder), ['logs'])
})

test('frames are the same whatever the sizes of the incoming buffers', async () => {
  const objects = [noise(1, 1), noise(0, 1), noise(70_000, 2), noise(3, 3), noise(0, 1)]
  const whole = Buffer.concat(objects.map(frame))

  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20_000 })), async sizes => {
      const buffers: Buffer[] = []
      let at = 0
      for (const size of [...sizes, whole.length]) buffers.push(whole.subarray(at, (at += size)))

      const parsed = await Array.fromAsync(parseFrames(streamOf(buffers)))

      assert.deepEqual(parsed, objects)
    }),
  )
})

test('frames that end early or are too large are refused', async () => {
  const cut = parseFrames(streamOf([frame(Buffer.from('abc')).subarray(0, -1)]))
  const huge = parseFrames(streamOf([frameHeader(OBJECT_MAX + 1)]))

  await assert.rejects(Array.fromAsync(cut), { code: 'BAD_REQUEST' })
  await assert.rejects(Array.fromAsync(huge), { code: 'TOO_LARGE' })
})

async function pushed(
  t: TestContext,
  files: Files,
): Promise<{ folder: string; store: Store; tree: Digest }> {
  const folder = await temporaryFolder(t)
  const source = join(folder, 'source')
  await lay(source, files)
  if (files['bin/run'] !== undefined) await chmod(join(source, 'bin/run'), 0o755)
  const store = await openMemoryStore()
  const { tree } = await sendFolder(source, channelTo(store))
  return { folder, store, tree }
}

function treeOf(entry: Partial<Entry>): Buffer {
  return encodeTree([{ name: 'x', kind: 'file', size: 0, digest: EMPTY_FILE, ...entry }])
}

function frame(object: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(object.length), object])
}
