import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import type { Digest } from '../../api/digest.ts'
import { TREE_HEADER } from '../../api/transfer/protocol.ts'
import { receiveTree } from '../../api/transfer/receive.ts'
import type { BundleView, Problem } from '../../api/wire.ts'
import { pathMatcher } from '../../server/transfer/globs.ts'
import { noise } from '../store/bytes.ts'
import { contentsOf } from '../store/folders.ts'
import { openTestApp, tempFolder } from './open.ts'
import { post, sendBundle, writeFolder } from './sending.ts'

async function open(t: TestContext) {
  const { listen } = await openTestApp(t)
  const base = await listen()
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' })
  const folder = await tempFolder(t)
  await writeFolder(folder, { 'README.md': '# hi', 'train/a.csv': '1', 'train/deep/b.csv': '2' })
  await writeFile(join(folder, 'train/large.bin'), noise(300_000, 1))
  const sent = await sendBundle(base, 'mnist', 'data', folder, 'features')
  const { id, tree } = (await sent.json()) as BundleView
  const get = (...paths: string[]) => {
    const query = paths.map(path => `path=${encodeURIComponent(path)}`).join('&')
    return fetch(`${base}/api/v1/workspaces/mnist/entities/${id}/content?${query}`)
  }
  async function files(...paths: string[]) {
    const answer = await get(...paths)
    const target = join(await tempFolder(t), 'part')
    const part = answer.headers.get(TREE_HEADER) as Digest
    await receiveTree(answer.body ?? assert.fail(), part, target)
    return Object.keys(await contentsOf(target)).sort()
  }
  return { get, files, tree }
}

test('of the content of an entity single files can be fetched', async t => {
  const { get, files, tree } = await open(t)

  assert.deepEqual(await files('README.md'), ['README.md'])
  assert.deepEqual(await files('*.md', 'train/*.csv'), ['README.md', 'train/a.csv'])
  assert.deepEqual(await files('**/*.csv'), ['train/a.csv', 'train/deep/b.csv'])
  assert.deepEqual(await files('train'), ['train/a.csv', 'train/deep/b.csv', 'train/large.bin'])
  assert.equal((await get()).headers.get(TREE_HEADER), tree)
  assert.equal((await get('**')).headers.get(TREE_HEADER), tree)
})

test('a path that nothing fits, or that is none, is named', async t => {
  const { get } = await open(t)
  const problemOf = async (...paths: string[]) => {
    const answer = await get(...paths)
    return { ...((await answer.json()) as Problem), status: answer.status }
  }

  const none = await problemOf('*.parquet')
  assert.equal(none.status, 404)
  assert.match(none.message, /no file of the data features:\w+ fits \*\.parquet/)
  assert.equal((await problemOf('/')).status, 400)
  assert.equal((await problemOf(...Array(65).fill('a'))).status, 400)
  assert.equal((await problemOf('x'.repeat(1025))).status, 400)
})

const FITS: [pattern: string, path: string, fits: boolean][] = [
  ['a', 'a', true],
  ['a', 'a/b', true],
  ['a', 'ab', false],
  ['a/b', 'a', false],
  ['./a', 'a', true],
  ['/a', 'a', true],
  ['a/', 'a/b', true],
  ['*', 'a', true],
  ['*', 'a/b', true],
  ['*.csv', 'a/b.csv', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['?', 'é', true],
  ['**', 'a/b', true],
  ['**/c', 'c', true],
  ['**/c', 'a/b/c', true],
  ['**/c', 'a/b/cc', false],
  ['a/**', 'a', false],
  ['a/**', 'a/b/c', true],
  ['a/**/c', 'a/c', true],
  ['a/**/c', 'a/b/b/c', true],
  ['a/**/b/**/c', 'a/x/b/y/b/z/c', true],
  ['a/**/b/**/c', 'a/x/y/z/c', false],
  ['**/a/b', 'a/a/b', true],
  ['**/**', 'a', true],
  ['*a*b*', 'xaxxbx', true],
  ['*a*b*', 'xbxxax', false],
  ['[a]', 'a', false],
  ['a.c', 'abc', false],
]
for (const [pattern, path, fits] of FITS) {
  test(`the path ${path} ${fits ? 'fits' : 'does not fit'} ${pattern}`, () => {
    assert.equal(pathMatcher([pattern])(path), fits)
  })
}

test('a pattern means what the regular expression for it means', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 })
  const part = fc.oneof(
    fc.constant('**'),
    fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 4 }),
  )
  const some = (one: fc.Arbitrary<string>) => fc.array(one, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(some(part), some(name), (pattern, path) => {
      assert.equal(pathMatcher([pattern.join('/')])(path.join('/')), meant(pattern, path))
    }),
    { numRuns: 2000 },
  )
})

/** The plainest statement of the same: tries everything. */
function meant([first, ...rest]: string[], names: string[]): boolean {
  if (first === undefined) return true
  const [name, ...below] = names
  if (name === undefined) return false
  if (first === '**' && rest.length === 0) return true
  if (first === '**') return meant(rest, names) || meant([first, ...rest], below)
  const text = first.replaceAll(/\*+/g, '[^/]*').replaceAll('?', '[^/]')
  return new RegExp(`^${text}$`).test(name) && meant(rest, below)
}

test('a pattern that would take a regular expression for ever is looked at in no time', () => {
  const matches = pathMatcher([`${'*a'.repeat(500)}b`, `${'**/a/'.repeat(200)}b`])

  assert.equal(matches('a'.repeat(255)), false)
  assert.equal(matches(Array(500).fill('a').join('/')), false)
})
