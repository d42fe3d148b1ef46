import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digest, digestOf, hexOf } from '../../../api/digest.ts'
import { encodeFile } from '../../../api/tree.ts'

import { inode, large, scene, signal, text } from './tree-source.ts'

test('a tree has all its files, read-only, those of subfolders and empty ones included', async t => {
  const { lay, open } = await scene(t)
  const files = { 'a.csv': '1,2\n', 'run*': '#!/bin/sh\n', 'd/e/f': large('x'), 'd/none': '' }

  const folder = await lay(await open(), files)

  assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), [
    ...['a.csv', 'd', 'd/e', 'd/e/f', 'd/none', 'run'],
  ])
  assert.deepEqual([text(folder, 'a.csv'), text(folder, 'd/none')], ['1,2\n', ''])
  assert.equal(text(folder, 'd/e/f'), large('x'))
  assert.deepEqual(
    ['a.csv', 'run', 'd/e/f'].map(path => statSync(join(folder, path)).mode & 0o777),
    [0o444, 0o555, 0o444],
  )
})

test('a new version asks only for the files that changed, and shares the others', async t => {
  const { lay, open, source } = await scene(t)
  const trees = await open()
  const before = { 'big.bin': large('x'), 'small/a': 'a', 'small/b': 'b', 'other/c': 'c' }
  const first = await lay(trees, before)
  const { asked } = source
  asked.length = 0

  const second = await lay(trees, { ...before, 'new.bin': large('y'), 'other/c': 'changed' })

  assert.equal(asked.flat().length, 2)
  assert.equal(text(second, 'new.bin'), large('y'))
  assert.deepEqual([text(second, 'other/c'), text(first, 'other/c')], ['changed', 'c'])
  assert.equal(inode(second, 'big.bin'), inode(first, 'big.bin'))
  assert.equal(inode(second, 'small/a'), inode(first, 'small/a'))
})

test('where programs could write into their inputs, trees share nothing with each other', async t => {
  const { lay, open, source } = await scene(t)
  const trees = await open({ areProtected: async () => false })
  const first = await lay(trees, { 'big.bin': large('x'), a: 'a' })
  chmodSync(join(first, 'big.bin'), 0o644)
  writeFileSync(join(first, 'big.bin'), 'spoiled')
  source.asked.length = 0

  const second = await lay(trees, { 'big.bin': large('x'), a: 'a', b: 'b' })

  assert.equal(text(second, 'big.bin'), large('x'))
  assert.notEqual(inode(second, 'big.bin'), inode(first, 'big.bin'))
  assert.equal(source.asked.flat().length, 1)
})

test('what came before a cut is not asked for again', async t => {
  const { open, source } = await scene(t)
  const content = Array.from({ length: 12 }, () => randomBytes(100_000))
  const tree = await source.put(Object.fromEntries(content.map((bytes, at) => [`f${at}`, bytes])))
  source.cuts.push(900_000)

  const folder = await (await open()).folderOf(tree, source, signal)

  const [first = [], second = []] = source.asked
  assert.equal(first.length, 12)
  assert.ok(second.length > 0 && second.length < 12)
  for (const [at, bytes] of content.entries()) {
    assert.deepEqual(readFileSync(join(folder, `f${at}`)), bytes)
  }
})

test('one content is kept once for files with and without the right to be executed', async t => {
  const { lay, open, source } = await scene(t)

  const folder = await lay(await open(), {
    'a*': large('x'),
    b: large('x'),
    'd/c*': 's',
    'd/e': 's',
  })

  assert.equal(source.asked.flat().length, 2)
  assert.deepEqual(
    ['a', 'b', 'd/c', 'd/e'].map(path => statSync(join(folder, path)).mode & 0o111),
    [0o111, 0, 0o111, 0],
  )
  assert.equal(text(folder, 'b'), large('x'))
})

test('a segment with the very bytes of a file list does not hide the file', async t => {
  const { lay, open } = await scene(t)
  const content = Buffer.alloc(50_000, 'x')
  const list = encodeFile([{ digest: digestOf(content), length: content.length }])

  const folder = await lay(await open(), { 'a/list': list, 'b.bin': content })

  assert.deepEqual(readFileSync(join(folder, 'a', 'list')), list)
  assert.deepEqual(readFileSync(join(folder, 'b.bin')), content)
})

test('one tree that many ask for at once is fetched once', async t => {
  const { open, source } = await scene(t)
  const tree = await source.put({ 'big.bin': large('x') })
  const trees = await open()

  const folders = await Promise.all(
    Array.from({ length: 8 }, () => trees.folderOf(tree, source, signal)),
  )

  assert.equal(new Set(folders).size, 1)
  assert.equal(source.asked.length, 1)
})

test('a name that is no digest is refused', async t => {
  const { open, source } = await scene(t)
  const trees = await open()

  for (const name of ['sha256:../files', `${hexOf(digestOf('x'))}`]) {
    await assert.rejects(trees.folderOf(name as Digest, source, signal), { code: 'BAD_REQUEST' })
  }
})
