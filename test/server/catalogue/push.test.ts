import assert from 'node:assert/strict'
import test from 'node:test'
import { isDigest } from '../../../api/digest.ts'
import type { EntityView, Problem, PushView, VersionList } from '../../../api/wire.ts'
import type { Commit } from '../../../graph/ledger.ts'
import { planVersion } from '../../../server/catalogue/pointers.ts'
import { openShelf } from './shelf.ts'

const REPOSITORIES = '/workspaces/mnist/repositories'

test('a pushed folder is version 1 of a repository of its name, with who, when and how large', async t => {
  const { push } = await openShelf(t)

  const { status, body } = await push('features', { 'a.csv': '1,2\n', 'b/c.csv': '3\n' })

  assert.equal(status, 201)
  assert.equal(body.unchanged, false)
  assert.ok(isDigest(body.version.tree))
  assert.partialDeepStrictEqual(body.version, {
    repository: 'features',
    version: 1,
    reference: 'features@v1',
    kind: 'data',
    name: `features:${body.version.tree?.slice(7, 12)}`,
    files: 2,
    bytes: 6,
    tags: [],
    author: 'tester',
    message: null,
    origin: { how: 'pushed', job: null, from: [] },
  })
})

test('each version derives from the one before, and says what was said of it', async t => {
  const { push, ask } = await openShelf(t)
  await push('features', { 'a.csv': '1' })
  await push('features', { 'a.csv': '2' }, { message: 'one more\nline' })

  const { versions, next } = await ask<VersionList>('GET', `${REPOSITORIES}/features/versions`)

  assert.equal(next, null)
  assert.deepEqual(
    versions.map(one => [one.version, one.message, one.origin.from.map(from => from.reference)]),
    [
      [2, 'one more\nline', ['features@v1']],
      [1, null, []],
    ],
  )
  assert.equal(versions[0]?.origin.from[0]?.role, 'revision')
})

test('what the newest version has already makes no version, but its tag moves', async t => {
  const { push } = await openShelf(t)
  const first = await push('features', { 'a.csv': '1' })
  const again = await push('features', { 'a.csv': '1' }, { tags: ['clean', 'clean'] })
  await push('features', { 'a.csv': '2' })

  const back = await push('features', { 'a.csv': '1' }, { tags: ['clean'] })

  assert.equal(again.status, 200)
  assert.deepEqual([again.body.unchanged, again.body.moved], [true, ['clean']])
  assert.equal(again.body.version.entity, first.body.version.entity)
  assert.deepEqual(again.body.version.tags, ['clean'])
  // What an older version had is a version again, made from the newest.
  assert.equal(back.status, 201)
  assert.deepEqual([back.body.version.version, back.body.version.tags], [3, ['clean']])
  assert.equal(back.body.version.origin.from[0]?.reference, 'features@v2')
})

test('a push from something else makes a branch', async t => {
  const { push } = await openShelf(t)
  await push('features', { 'a.csv': '1' }, { tags: ['first'] })
  await push('features', { 'a.csv': '2' })

  const branch = await push('features', { 'a.csv': '3' }, { from: 'features:first' })
  const elsewhere = await push('other', { 'a.csv': '4' }, { from: 'features@v3' })
  const nowhere = await push('other', { 'a.csv': '5' }, { from: 'features@v9' })

  assert.equal(branch.body.version.version, 3)
  assert.equal(branch.body.version.origin.from[0]?.reference, 'features@v1')
  assert.equal(elsewhere.body.version.origin.from[0]?.reference, 'features@v3')
  assert.equal(nowhere.status, 404)
  const { message } = nowhere.body as unknown as Problem
  assert.match(
    message,
    /no data set features@v9: features has versions up to v3 and the tags first/,
  )
})

test('40 pushes at once get the numbers 1 to 40, each once, in one line of descent', async t => {
  const { sent, call, ask } = await openShelf(t)
  const requests = await Promise.all(
    Array.from({ length: 40 }, (_, i) => sent('data', 'features', { 'a.csv': `${i}` })),
  )

  const answers = await Promise.all(
    requests.map(request => call<PushView>('POST', REPOSITORIES, request)),
  )

  assert.deepEqual([...new Set(answers.map(one => one.status))], [201])
  const numbers = answers.map(one => one.body.version.version).sort((a, b) => a - b)
  assert.deepEqual(
    numbers,
    Array.from({ length: 40 }, (_, i) => i + 1),
  )
  const { versions } = await ask<VersionList>('GET', `${REPOSITORIES}/features/versions`)
  assert.deepEqual(
    versions.map(one => one.origin.from[0]?.reference),
    [...Array.from({ length: 39 }, (_, i) => `features@v${39 - i}`), undefined],
  )
})

test('who was outrun by another server looks again and takes the next number', async t => {
  const { push, parts } = await openShelf(t)
  const { ledger } = parts
  const first = await push('features', { a: '1' })
  const { id: ws } = await parts.workspaces.find(parts.people.local, 'mnist')
  const commit = ledger.commit.bind(ledger)
  let outrun = 0
  Object.assign(ledger, {
    async commit(mine: Commit) {
      if (mine.statements?.[0]?.type === 'version.pushed' && outrun++ < 2) {
        const { moves } = await planVersion(ledger, ws, 'features', first.body.version.entity)
        await commit({
          ...mine,
          expect: [],
          records: [],
          statements: [{ type: 'test.stated', moves }],
        })
      }
      return commit(mine)
    },
  })

  const second = await push('features', { a: '2' }, { tags: ['x'] })

  assert.equal(outrun, 3)
  assert.deepEqual([second.status, second.body.version.version], [201, 4])
})

test('the same call with the same key makes one version', async t => {
  const { sent, call } = await openShelf(t)
  const request = { ...(await sent('data', 'features', { a: '1' })), tags: ['x'] }
  const headers = { 'idempotency-key': 'key-1' }

  const first = await call<PushView>('POST', REPOSITORIES, request, headers)
  const again = await call<PushView>('POST', REPOSITORIES, request, headers)

  assert.equal(first.status, 201)
  assert.deepEqual(again, first)
})

test('a model is pushed with its metrics; what is none is told', async t => {
  const { push, ask } = await openShelf(t)
  const files = {
    'model/m.pkl': 'weights',
    'metrics/metrics.json': '{"accuracy": 0.9, "matrix": [1]}',
  }

  const { status, body } = await push('property-val', files, { kind: 'model' })
  const found = await ask<EntityView>(
    'GET',
    `/workspaces/mnist/entities?kind=model&reference=property-val`,
  )

  assert.equal(status, 201)
  assert.match(body.warnings.join(), /"matrix" is neither a number nor a text/)
  assert.deepEqual(found.metrics, { accuracy: 0.9 })
})

test('a repository holds data sets or models, never both', async t => {
  const { push } = await openShelf(t)
  await push('mnist', { a: '1' })

  const refused = await push('mnist', { 'model/a': '1' }, { kind: 'model' })
  const renamed = await push(
    'mnist',
    { 'model/a': '1' },
    { kind: 'model', repository: 'team/mnist-model' },
  )

  assert.equal(refused.status, 400)
  assert.match((refused.body as unknown as Problem).message, /mnist holds data sets/)
  assert.equal(renamed.body.version.reference, 'team/mnist-model@v1')
  assert.match(renamed.body.version.name, /^mnist-model:/)
})

test("a folder's name becomes a legal one", async t => {
  const { push } = await openShelf(t)
  const nameOf = async (folder: string) =>
    (await push(folder, { a: folder })).body.version.repository

  assert.equal(await nameOf('My Data (née 2024)'), 'my-data-nee-2024')
  assert.equal(await nameOf('..Über__Zahlen--v2__'), 'uber__zahlen-v2')
  assert.equal(await nameOf('数据'), 'data')
})

test('what cannot be kept is refused, and nothing of it is', async t => {
  const { push, sent, call, ask } = await openShelf(t)
  const code = async (answer: Promise<{ body: unknown }>) => ((await answer).body as Problem).code

  assert.equal(await code(push('features', {})), 'INVALID_BUNDLE')
  assert.equal(await code(push('a\nb', { a: '1' })), 'INVALID_BUNDLE')
  assert.equal(await code(push('f', { a: '1' }, { repository: 'Not Legal' })), 'INVALID_NAME')
  assert.equal(await code(push('f', { a: '1' }, { repository: 'a/../b' })), 'INVALID_NAME')
  assert.equal(await code(push('f', { a: '1' }, { tags: ['-x'] })), 'INVALID_NAME')
  const request = await sent('data', 'f', { a: '1' })
  const tree = `sha256:${'0'.repeat(64)}`
  assert.equal(await code(call('POST', REPOSITORIES, { ...request, tree })), 'BAD_REQUEST')
  assert.deepEqual(await ask('GET', REPOSITORIES), { repositories: [], next: null })
})
