import assert from 'node:assert/strict'
import test from 'node:test'
import type { Problem, RepositoryList, RepositoryView, VersionList } from '../../../api/wire.ts'
import { openTestApp } from '../open.ts'
import { openShelf } from './shelf.ts'

const REPOSITORIES = '/workspaces/mnist/repositories'

test('repositories are listed by name, by kind, and in pages', async t => {
  const { push, ask } = await openShelf(t)
  for (const name of ['c', 'a', 'b/x']) await push('f', { name }, { repository: name })
  await push('m', { 'model/a': '1' }, { kind: 'model', repository: 'b', tags: ['best'] })

  const all = await ask<RepositoryList>('GET', REPOSITORIES)
  const data = await ask<RepositoryList>('GET', `${REPOSITORIES}?kind=data&limit=2`)
  const rest = await ask<RepositoryList>(
    'GET',
    `${REPOSITORIES}?kind=data&limit=2&cursor=${encodeURIComponent(data.next ?? '')}`,
  )
  const one = await ask<RepositoryView>('GET', `${REPOSITORIES}/b`)

  assert.deepEqual(
    all.repositories.map(row => [row.name, row.kind, row.tags]),
    [
      ['a', 'data', []],
      ['b', 'model', ['best']],
      ['b/x', 'data', []],
      ['c', 'data', []],
    ],
  )
  assert.deepEqual(
    [data, rest].map(page => page.repositories.map(row => row.name)),
    [['a', 'b/x'], ['c']],
  )
  assert.equal(rest.next, null)
  assert.partialDeepStrictEqual(one, { newest: 1, tags: [{ tag: 'best', version: 1 }] })
})

test('versions come in pages, also across those that were removed', async t => {
  const { push, ask } = await openShelf(t)
  for (let i = 1; i <= 12; i++) await push('features', { a: `${i}` })
  for (const gone of [12, 11, 5]) {
    await ask('DELETE', `${REPOSITORIES}/features/versions/${gone}`)
  }

  const numbers: number[][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = `limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`
    const page: VersionList = await ask('GET', `${REPOSITORIES}/features/versions?${query}`)
    numbers.push(page.versions.map(one => one.version))
    cursor = page.next
  }
  const next = await push('features', { a: 'new' })

  assert.deepEqual(numbers, [[10, 9, 8, 7], [6, 4, 3, 2], [1]])
  assert.equal(next.body.version.version, 13)
  assert.equal(next.body.version.origin.from[0]?.reference, 'features@v10')
})

test('data that were sent for a training are versions too, without a line of descent', async t => {
  const { sent, ask } = await openShelf(t)
  const bundle = async (text: string) => {
    const { upload, tree } = await sent('data', 'My Data', { a: text })
    const body = { upload, tree, kind: 'data', folder: 'My Data' }
    return ask<{ id: string }>('POST', '/workspaces/mnist/bundles', body)
  }

  const [first, second] = [await bundle('1'), await bundle('2')]
  await bundle('1')

  const { versions } = await ask<VersionList>('GET', `${REPOSITORIES}/my-data/versions`)
  assert.deepEqual(
    versions.map(one => [one.version, one.entity, one.origin.from]),
    [
      [2, second.id, []],
      [1, first.id, []],
    ],
  )
})

test('a data set that was pushed is the bundle that a deploy of the same folder finds', async t => {
  const { push, sent, call } = await openShelf(t)
  const pushed = await push('features', { a: '1' })
  const { upload, tree } = await sent('data', 'features', { a: '1' })

  const bundle = await call<{ id: string }>('POST', '/workspaces/mnist/bundles', {
    upload,
    tree,
    kind: 'data',
    folder: 'features',
  })

  assert.equal(bundle.status, 200)
  assert.equal(bundle.body.id, pushed.body.version.entity)
})

test('a repository with nothing in it is not there', async t => {
  const { push, call, ask } = await openShelf(t)
  await push('features', { a: '1' })
  await ask('DELETE', `${REPOSITORIES}/features/versions/1`)

  const answers = [
    await call<Problem>('GET', `${REPOSITORIES}/features`),
    await call<Problem>('GET', `${REPOSITORIES}/features/versions`),
    await call<Problem>('POST', `${REPOSITORIES}/never/about`, { title: 'x' }),
  ]

  assert.deepEqual(
    answers.map(one => [one.status, one.body.code]),
    Array(3).fill([404, 'NOT_FOUND']),
  )
  assert.deepEqual((await ask<RepositoryList>('GET', REPOSITORIES)).repositories, [])
})

test('who may only read may not push, tag, describe or remove', async t => {
  const server = await openTestApp(t, { settings: { local: false } })
  const token = await server.tokenOf('viewer')
  const calls = [
    ['POST', '/repositories'],
    ['POST', '/repositories/a/about'],
    ['POST', '/repositories/a/tags'],
    ['DELETE', '/repositories/a/tags/b'],
    ['DELETE', '/repositories/a/versions/1'],
  ] as const

  const answers = await Promise.all(
    calls.map(([method, url]) =>
      server.app.inject({
        method,
        url: `/api/v1/workspaces/mnist${url}`,
        headers: { authorization: `Bearer ${token}` },
        ...(method === 'POST' ? { payload: {} } : {}),
      }),
    ),
  )

  assert.deepEqual(
    answers.map(answer => answer.statusCode),
    calls.map(() => 403),
  )
})
