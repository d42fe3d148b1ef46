import assert from 'node:assert/strict'
import test from 'node:test'
import type { Digest } from '../../api/digest.ts'
import { FolderMaker } from '../../api/folder.ts'
import { CHUNK_MIN, EMPTY_FILE, EMPTY_TREE, type Entry } from '../../api/tree.ts'
import { openMemoryStore } from '../../store/memory.ts'
import {
  entriesOf,
  entryAt,
  graft,
  putBytes,
  putFolder,
  putTree,
  readSmallFile,
  requireComplete,
  selectTree,
  walkTree,
} from '../../store/trees.ts'
import { noise, streamOf } from './bytes.ts'
import { sample } from './sample-tree.ts'

const abc = Buffer.from('abc')

test('grafting puts entries into a folder and leaves the rest as it is', async () => {
  const { store, tree, model } = await sample()
  const { digest, size } = await putBytes(store, Buffer.from('new'))
  const made = [entry('train', { digest, size }), entry('extra', { digest, size })]

  const grafted = await graft(store, tree, ['model'], made)
  const deep = await graft(store, tree, ['a', 'b'], made)
  const top = await graft(store, EMPTY_TREE, [], made)

  const names = async (one: Digest) => (await entriesOf(store, one)).map(({ name }) => name)
  assert.deepEqual(await names(grafted), ['file', 'model'])
  assert.equal((await entryAt(store, grafted, 'model/train'))?.digest, digest)
  assert.deepEqual(await names((await entryAt(store, grafted, 'model'))!.digest), [
    'again',
    'copy',
    'extra',
    'train',
  ])
  assert.equal((await entryAt(store, deep, 'model'))?.digest, model)
  assert.equal((await entryAt(store, deep, 'a/b/extra'))?.size, 3)
  assert.deepEqual(await names(top), ['extra', 'train'])
  assert.equal((await requireComplete(store, grafted)).bytes, 1_800_006 + 3)
  assert.equal((await requireComplete(store, deep)).files, 6)
  await assert.rejects(graft(store, tree, ['file'], made), { code: 'BAD_REQUEST' })
})

test('a folder is the same however it is made', async () => {
  const store = await openMemoryStore()
  const files = Array.from({ length: 60 }, (_, i) => ({ name: `f${i}`, bytes: noise(9000, i + 1) }))
  const maker = new FolderMaker()
  for (const { name, bytes } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    maker.small(name, false, bytes)
  }
  const { digest } = maker.finish()
  const rest = files.slice(1)

  const whole = await putFolder(
    store,
    files.map(({ name, bytes }) => ({ path: name, content: bytes })),
  )
  const lists = await Promise.all(files.map(one => putBytes(store, one.bytes)))
  const listed = await putTree(
    store,
    files.map(({ name }, i) => entry(name, lists[i]!)),
  )
  const named = await putFolder(
    store,
    files.map(({ name }, i) => ({ path: name, file: lists[i]!.digest, size: 9000 })),
  )
  const most = await putFolder(
    store,
    rest.map(({ name, bytes }) => ({ path: name, content: bytes })),
  )
  const grafted = await graft(store, most.digest, [], [entry('f0', lists[0]!)])
  const copied = await putTree(store, await entriesOf(store, digest))

  assert.deepEqual(whole, { digest, files: 60, bytes: 540_000 })
  assert.deepEqual([listed, named.digest, grafted, copied], [digest, digest, digest, digest])
})

test('many small files are made a folder of without holding them all', async () => {
  const store = await openMemoryStore()
  const count = 2200
  const content = (i: number) => noise(16_000, i + 1)
  async function* items(order: (i: number) => number) {
    for (let i = 0; i < count; i++) {
      const at = order(i)
      yield { path: `${at % 3}/${String(at).padStart(4, '0')}`, content: content(at) }
    }
  }

  const forth = await putFolder(
    store,
    items(i => i),
  )
  const back = await putFolder(
    store,
    items(i => count - 1 - i),
  )

  assert.deepEqual(forth, back)
  assert.deepEqual(await requireComplete(store, forth.digest), {
    files: count,
    folders: 3,
    bytes: count * 16_000,
  })
  const entry = await entryAt(store, forth.digest, '1/1000')
  assert.deepEqual(await readSmallFile(store, entry!, 16_000), content(1000))
})

test('a folder is not made of paths that cannot be', async () => {
  const store = await openMemoryStore()
  const made = (...paths: string[]) =>
    putFolder(
      store,
      paths.map(path => ({ path, content: abc })),
    )

  await assert.rejects(made('a', 'a'), { code: 'BAD_REQUEST' })
  await assert.rejects(made('a', 'a/b'), { code: 'BAD_REQUEST' })
  await assert.rejects(made('a/b', 'a'), { code: 'BAD_REQUEST' })
  await assert.rejects(made('../a'), { code: 'INVALID_NAME' })
  await assert.rejects(made('a//b'), { code: 'INVALID_NAME' })
  const { digest } = await putBytes(store, abc)
  const lie = [{ path: 'a', file: digest, size: 4 }]
  await assert.rejects(putFolder(store, lie), { code: 'BAD_REQUEST' })
})

test('no tree is made of names that none may have', async () => {
  const store = await openMemoryStore()

  await assert.rejects(putTree(store, [entry('..', {})]), { code: 'INVALID_NAME' })
  await assert.rejects(putTree(store, [entry('a/b', {})]), { code: 'INVALID_NAME' })
  await assert.rejects(putTree(store, [entry('a', {}), entry('a', {})]), { code: 'BAD_REQUEST' })
  assert.equal((await store.stats()).objects, 0)
})

test('a file of exactly the least length has a list, one byte less lies in a segment', async () => {
  const store = await openMemoryStore()

  const { digest } = await putFolder(store, [
    { path: 'large', content: streamOf([noise(CHUNK_MIN - 1, 1), Buffer.from('x')]) },
    { path: 'small', content: streamOf([noise(CHUNK_MIN - 1, 1), Buffer.alloc(0)]) },
    { path: 'empty', content: streamOf([]) },
  ])

  const [empty, large, small] = await entriesOf(store, digest)
  assert.equal(empty?.digest, EMPTY_FILE)
  assert.deepEqual([large?.size, large?.within], [CHUNK_MIN, undefined])
  assert.equal(small?.within?.offset, 0)
  assert.equal((await requireComplete(store, digest)).bytes, 2 * CHUNK_MIN - 1)
})

test('a part of a tree is a tree of only those files, in their folders', async () => {
  const { store, tree } = await sample()
  const pathsIn = async (part: Digest | undefined) =>
    Array.fromAsync(walkTree(store, part!), ({ path }) => path)

  const one = await selectTree(store, tree, path => path === 'model/copy')
  const top = await selectTree(store, tree, path => path === 'file')
  const all = await selectTree(store, tree, () => true)
  const none = await selectTree(store, tree, () => false)
  const made = await putFolder(store, [{ path: 'model/copy', content: abc }])

  assert.deepEqual(await pathsIn(one), ['model/copy'])
  assert.equal(one, made.digest)
  assert.deepEqual(await pathsIn(top), ['file'])
  assert.deepEqual([all, none], [tree, undefined])
  assert.equal((await requireComplete(store, top!)).bytes, 900_000)
})

function entry(name: string, rest: Partial<Entry>): Entry {
  return { name, kind: 'file', size: 0, digest: EMPTY_FILE, ...rest }
}
