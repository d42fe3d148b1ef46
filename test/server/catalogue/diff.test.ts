import assert from 'node:assert/strict'
import test from 'node:test'
import type { DiffView } from '../../../api/wire.ts'
import { changesBetween } from '../../../server/catalogue/diff.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import type { Store } from '../../../store/store.ts'
import { putFolder } from '../../../store/trees.ts'
import { openShelf } from './shelf.ts'

type Files = Record<string, string>

async function treeOf(store: Store, files: Files) {
  async function* items() {
    for (const [path, text] of Object.entries(files)) {
      const executable = text.startsWith('#!')
      yield { path, executable, content: Buffer.from(text) }
    }
  }
  return (await putFolder(store, items())).digest
}

const shown = (changes: readonly { change: string; path: string }[]) =>
  changes.map(({ change, path }) => `${change} ${path}`)

test('a diff names each file that was added, removed or changed, with its sizes', async t => {
  const { push, ask } = await openShelf(t)
  await push('features', { 'a.csv': '1', 'b/c.csv': '22', 'b/d.csv': '3', e: 'x', same: 's' })
  await push('features', {
    'a.csv': '123',
    'b/d.csv': '3',
    'e/f': 'y',
    'b/new.csv': '4444',
    same: 's',
  })

  const diff = await ask<DiffView>(
    'GET',
    '/workspaces/mnist/diff?kind=data&from=features@v1&to=features',
  )

  assert.deepEqual([diff.from.reference, diff.to.reference], ['features@v1', 'features@v2'])
  assert.deepEqual(diff.changes, [
    { path: 'a.csv', change: 'changed', before: 1, after: 3 },
    { path: 'b/c.csv', change: 'removed', before: 2, after: null },
    { path: 'b/new.csv', change: 'added', before: null, after: 4 },
    { path: 'e', change: 'removed', before: 1, after: null },
    { path: 'e/f', change: 'added', before: null, after: 1 },
  ])
  assert.equal(diff.next, null)
})

test('pages of any length give the same changes in the same order', async () => {
  const store = await openMemoryStore()
  const [before, after]: [Files, Files] = [{}, {}]
  // Names whose order by bytes differs from that of UTF-16, files that become folders, and back.
  for (const name of ['a', 'a.b', 'a-b', 'ab', 'z', 'é', '\u{ff5e}', '\u{1f600}']) {
    before[`${name}/x`] = 'old'
    before[`${name}/deep/er/y`] = 'same'
    after[name === 'z' ? name : `${name}/x`] = 'new'
    after[`${name}1`] = 'added'
    if (name !== 'z') after[`${name}/deep/er/y`] = 'same'
  }
  before.file = '1'
  after['file/in'] = '2'
  before['turned/in'] = '1'
  after.turned = '2'
  const [from, to] = [await treeOf(store, before), await treeOf(store, after)]

  const all = await Array.fromAsync(changesBetween(store, from, to))

  assert.equal(new Set(shown(all)).size, all.length)
  assert.equal(all.length, 8 + 8 + 1 + 1 + 2 + 2)
  for (let cut = 0; cut < all.length; cut++) {
    const rest = await Array.fromAsync(changesBetween(store, from, to, all[cut]!.path))
    assert.deepEqual(shown(rest), shown(all.slice(cut + 1)), all[cut]!.path)
  }
  const back = await Array.fromAsync(changesBetween(store, to, from))
  assert.deepEqual(back.map(one => one.path).sort(), all.map(one => one.path).sort())
  assert.deepEqual(await Array.fromAsync(changesBetween(store, from, from)), [])
})

test('what is equal is not opened', async () => {
  const store = await openMemoryStore()
  const files: Files = {}
  for (let i = 0; i < 50; i++) for (let j = 0; j < 20; j++) files[`f${i}/g${j}/x`] = `${i} ${j}`
  const from = await treeOf(store, files)
  const to = await treeOf(store, { ...files, 'f7/g3/x': 'changed' })
  let read = 0
  const counting: Store = Object.assign(Object.create(store), {
    get: (digest: Parameters<Store['get']>[0]) => {
      read++
      return store.get(digest)
    },
  })

  const changes = await Array.fromAsync(changesBetween(counting, from, to))

  assert.deepEqual(shown(changes), ['changed f7/g3/x'])
  assert.equal(read, 2 * 3)
})

test('a file that became executable is told apart from one that was changed', async () => {
  const store = await openMemoryStore()
  async function* item(executable: boolean) {
    yield { path: 'run', executable, content: Buffer.from('x') }
  }
  const [plain, program] = [await putFolder(store, item(false)), await putFolder(store, item(true))]

  const changes = await Array.fromAsync(changesBetween(store, plain.digest, program.digest))

  assert.deepEqual(changes, [{ path: 'run', change: 'mode', before: 1, after: 1 }])
})
