import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '../../../api/digest.ts'
import { encodeFile, encodeTree } from '../../../api/tree.ts'
import { filesIn, laidIn, large, scene, signal, text } from './tree-source.ts'

const setUsed = (folder: string, at: Date) =>
  utimesSync(join(dirname(folder), `.used-${basename(folder)}`), at, at)

test('a tree that somebody wrote into is laid out anew, and so are those that share the file', async t => {
  const { lay, open } = await scene(t)
  const trees = await open()
  const files = { 'big.bin': large('x'), 'd/a': 'a' }
  const first = await lay(trees, files)
  const second = await lay(trees, { ...files, b: 'b' })
  chmodSync(join(first, 'big.bin'), 0o644)
  writeFileSync(join(first, 'big.bin'), large('z'))
  chmodSync(join(first, 'big.bin'), 0o444)

  const again = [await lay(trees, files), await lay(trees, { ...files, b: 'b' })]

  assert.deepEqual(again, [first, second])
  assert.deepEqual(
    again.map(folder => text(folder, 'big.bin')),
    [large('x'), large('x')],
  )
})

test('a file that was added to a tree, or taken away, is noticed', async t => {
  const { lay, open } = await scene(t)
  const trees = await open()
  const files = { a: 'a', 'd/b': 'b', 'd/c': 'c' }
  const folder = await lay(trees, files)
  writeFileSync(join(folder, 'd', 'more'), 'x')
  rmSync(join(folder, 'd', 'b'))

  await lay(trees, files)

  assert.deepEqual(readdirSync(join(folder, 'd')), ['b', 'c'])
})

test('damage in the cache is found before a tree gets the file', async t => {
  const { cache, lay, open, source } = await scene(t)
  const trees = await open()
  const folder = await lay(trees, { 'big.bin': large('x'), a: 'a' })
  rmSync(folder, { recursive: true })
  for (const path of filesIn(cache)) {
    chmodSync(path, 0o600)
    writeFileSync(path, Buffer.alloc(statSync(path).size, 'y'))
  }

  await lay(trees, { 'big.bin': large('x'), a: 'a' })

  assert.deepEqual([text(folder, 'big.bin'), text(folder, 'a')], [large('x'), 'a'])
  assert.equal(source.asked.length, 2)
})

test('the next boot trusts no tree and reads files again before it links them', async t => {
  const { cache, lay, open, source } = await scene(t)
  const files = { 'good.bin': large('x'), 'holes.bin': large('y'), a: 'a' }
  const folder = await lay(await open(), files)
  const running = await lay(await open(), { b: 'b' })
  // Blocks that the disk never got, as after a power loss: size and times are what they were.
  const { atime, mtime } = statSync(join(folder, 'holes.bin'))
  chmodSync(join(folder, 'holes.bin'), 0o644)
  writeFileSync(join(folder, 'holes.bin'), Buffer.alloc(40_000))
  chmodSync(join(folder, 'holes.bin'), 0o444)
  utimesSync(join(folder, 'holes.bin'), atime, mtime)
  writeFileSync(join(cache, 'trees', '.boot'), 'another boot\n')
  source.asked.length = 0

  const trees = await open({}, new Set([basename(running)]))
  const left = laidIn(cache)
  await lay(trees, files)

  assert.deepEqual(left, [basename(running)])
  assert.equal(source.asked.flat().length, 1)
  assert.deepEqual(
    ['good.bin', 'holes.bin', 'a'].map(path => text(folder, path).length),
    [...[40_000, 40_000, 1]],
  )
  assert.equal(text(folder, 'holes.bin'), large('y'))
})

test('other bytes than asked for are refused, and leave nothing in the cache', async t => {
  const { cache, open, source } = await scene(t)
  const tree = await source.put({ 'big.bin': large('x') })
  source.spoil = bytes => bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))

  await assert.rejects((await open()).folderOf(tree, source, signal), { code: 'DIGEST_MISMATCH' })

  assert.deepEqual(laidIn(cache), [])
  assert.deepEqual(filesIn(cache), [])
})

test('a tree that gives a small file another name than its own does not poison the cache', async t => {
  const { lay, open } = await scene(t)
  const trees = await open()
  const good = Buffer.from('good')
  const bad = Buffer.from('evil')
  const digest = digestOf(encodeFile([{ digest: digestOf(good), length: 4 }]))
  const segment = digestOf(bad)
  const entry = { name: 'a', kind: 'file' as const, size: 4, digest }
  const tree = encodeTree([{ ...entry, within: { segment, offset: 0 } }])
  const framesOf = async function* (bytes: Uint8Array) {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(bytes.length)
    yield Buffer.concat([header, bytes])
  }
  const lying = { folders: () => framesOf(tree), parts: () => framesOf(bad) }

  await assert.rejects(trees.folderOf(digestOf(tree), lying, signal), { code: 'DIGEST_MISMATCH' })

  assert.equal(text(await lay(trees, { a: 'good' }), 'a'), 'good')
})

test('what is too much goes, the trees used longest ago first, but nothing that is in use', async t => {
  const { cache, lay, open } = await scene(t)
  const used = new Set<string>()
  const trees = await open({ mostBytes: 110_000, inUse: () => used })
  const names: string[] = []
  for (const fill of ['a', 'b', 'c']) {
    const folder = await lay(trees, { 'own.bin': large(fill), shared: 'shared' })
    names.push(basename(folder))
    if (fill === 'a') used.add(basename(folder))
    setUsed(folder, new Date(2020, 0, names.length))
  }
  await trees.makeRoom()

  assert.deepEqual(laidIn(cache).sort(), [names[0], names[2]].sort())
  const folder = join(cache, 'trees', names[2]!)
  assert.deepEqual([text(folder, 'shared'), text(folder, 'own.bin')], ['shared', large('c')])

  used.clear()
  await trees.makeRoom(0)

  assert.deepEqual(laidIn(cache), [])
  assert.deepEqual(filesIn(cache), [])
})

test('files go while trees are made of them, and no tree lacks one', async t => {
  const { lay, open } = await scene(t)
  const trees = await open({ mostBytes: 50_000 })
  const laying = Array.from({ length: 20 }, async (_, at) => {
    const fill = String.fromCharCode(97 + (at % 5))
    return { fill, folder: await lay(trees, { 'own.bin': large(fill), [`f${at % 7}`]: 'x' }) }
  })

  for (const laid of laying) {
    const { fill, folder } = await laid
    // What nobody says that it uses may go again; what is there is whole.
    if (existsSync(folder)) assert.equal(text(folder, 'own.bin'), large(fill))
  }
  await trees.makeRoom()
})

test('a tree cache is kept within one boot, but for what nobody used for long', async t => {
  const { cache, lay, open } = await scene(t)
  const kept = await lay(await open(), { a: 'a' })
  const old = await lay(await open(), { b: 'b' })
  setUsed(old, new Date(2020, 0, 1))

  await open()

  assert.deepEqual(laidIn(cache), [basename(kept)])
})
