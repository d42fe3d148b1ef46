import assert from 'node:assert/strict'
import test from 'node:test'
import type { Problem, PushView, TagHistory, TagView, VersionList } from '../../../api/wire.ts'
import { openShelf, sizeOf, statementsFrom, tagsOf } from './shelf.ts'

const REPOSITORIES = '/workspaces/mnist/repositories'

test('a tag moves, and each move is one statement with who, from and to', async t => {
  const shelf = await openShelf(t)
  const { push, ask, parts } = shelf
  const [one, two] = [await push('features', { a: '1' }), await push('features', { a: '2' })]
  const before = await sizeOf(shelf)

  await ask('POST', `${REPOSITORIES}/features/tags`, { reference: 'features@v1', tags: ['best'] })
  const moved = await ask<TagView>('POST', `${REPOSITORIES}/features/tags`, {
    reference: 'features',
    tags: ['best', 'newest'],
  })
  const same = await ask<TagView>('POST', `${REPOSITORIES}/features/tags`, {
    reference: 'features',
    tags: ['best'],
  })
  await ask('DELETE', `${REPOSITORIES}/features/tags/newest`)

  assert.deepEqual([moved.moved, moved.added], [['best', 'newest'], false])
  assert.deepEqual(same.moved, [])
  assert.deepEqual(await tagsOf(shelf, 'features'), [['best', 2]])
  const [v1, v2] = [one.body.version.entity, two.body.version.entity]
  const statements = await statementsFrom(shelf, before)
  assert.deepEqual(
    statements.map(({ type, actor, detail }) => [type, actor, detail]),
    [
      { repository: 'features', tag: 'best', from: null, to: v1 },
      { repository: 'features', tag: 'best', from: v1, to: v2 },
      { repository: 'features', tag: 'newest', from: null, to: v2 },
      { repository: 'features', tag: 'newest', from: v2, to: null },
    ].map(detail => ['tag.moved', parts.people.local.id, detail]),
  )
})

test('the history of a tag says who moved it, when, from where to where', async t => {
  const { push, ask, call } = await openShelf(t)
  await push('features', { a: '1' }, { tags: ['best'] })
  await push('features', { a: '2' }, { tags: ['best'] })
  await ask('POST', `${REPOSITORIES}/features/tags`, { reference: 'features@1', tags: ['best'] })

  const history = await ask<TagHistory>('GET', `${REPOSITORIES}/features/tags/best`)
  const none = await call<Problem>('GET', `${REPOSITORIES}/features/tags/never`)

  assert.deepEqual(
    history.moves.map(({ author, from, to }) => [author, from, to]),
    [
      ['tester', 'v2', 'v1'],
      ['tester', 'v1', 'v2'],
      ['tester', null, 'v1'],
    ],
  )
  const times = history.moves.map(one => one.at)
  assert.deepEqual(times, [...times].sort().reverse())
  assert.equal(none.status, 404)
})

test('a model gets a version in the repository where it is tagged, once', async t => {
  const { push, ask } = await openShelf(t)
  const { version } = (await push('trained', { 'model/a': '1' }, { kind: 'model' })).body
  const request = { reference: version.entity, kind: 'model', tags: ['champion'] }
  const path = `${REPOSITORIES}/${encodeURIComponent('team/mnist')}/tags`

  const first = await ask<TagView>('POST', path, request)
  const again = await ask<TagView>('POST', path, { ...request, tags: ['rollback'] })

  assert.equal(first.added, true)
  assert.partialDeepStrictEqual(first.version, {
    reference: 'team/mnist@v1',
    entity: version.entity,
    tags: ['champion'],
  })
  assert.deepEqual([again.added, again.version.version], [false, 1])
  assert.deepEqual(again.version.tags, ['champion', 'rollback'])
})

test('of 20 moves of a tag at once the last one stands, and the line has no gap', async t => {
  const { push, ask, call } = await openShelf(t)
  await push('features', { a: '1' })
  await push('features', { a: '2' })
  const move = (i: number) =>
    call('POST', `${REPOSITORIES}/features/tags`, {
      reference: `features@v${(i % 2) + 1}`,
      tags: ['best'],
    })

  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => move(i)))

  assert.deepEqual([...new Set(answers.map(one => one.status))], [200])
  const { moves } = await ask<TagHistory>('GET', `${REPOSITORIES}/features/tags/best`)
  for (const [at, { from }] of moves.entries()) assert.equal(from, moves[at + 1]?.to ?? null)
})

test('what cannot be tagged so is refused with what is wrong', async t => {
  const { push, call } = await openShelf(t)
  await push('features', { a: '1' })
  await push('m', { 'model/a': '1' }, { kind: 'model' })
  const tag = (repository: string, body: object) =>
    call<Problem>('POST', `${REPOSITORIES}/${encodeURIComponent(repository)}/tags`, body)

  const answers = [
    await tag('features', { reference: 'features', tags: ['.x'] }),
    await tag('Features', { reference: 'features', tags: ['x'] }),
    await tag('features', { reference: 'features@v9', tags: ['x'] }),
    await tag('features', { reference: 'features', kind: 'model', tags: ['x'] }),
    await tag('m', { reference: 'features', tags: ['x'] }),
    await tag('features', { reference: 'features', kind: 'nothing', tags: ['x'] }),
    await call<Problem>('DELETE', `${REPOSITORIES}/features/tags/x`),
  ]

  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.code]),
    [
      [400, 'INVALID_NAME'],
      [400, 'INVALID_NAME'],
      [404, 'BUNDLE_NOT_FOUND'],
      [404, 'MODEL_NOT_FOUND'],
      [400, 'INVALID_NAME'],
      [400, 'BAD_REQUEST'],
      [404, 'NOT_FOUND'],
    ],
  )
})

test('what is said of a repository changes by parts, each change a fact', async t => {
  const shelf = await openShelf(t)
  const { push, ask } = shelf
  await push('features', { a: '1' }, { about: { title: 'Digits', keywords: ['a'] } })
  const before = await sizeOf(shelf)
  const path = `${REPOSITORIES}/features/about`

  const licensed = await ask('POST', path, { licence: 'CC0-1.0', keywords: ['b', 'b'] })
  const cleared = await ask('POST', path, { title: '' })
  await ask('POST', path, { title: ' ' })

  assert.partialDeepStrictEqual(licensed, {
    title: 'Digits',
    licence: 'CC0-1.0',
    keywords: ['b'],
    author: 'tester',
  })
  assert.partialDeepStrictEqual(cleared, { title: '', licence: 'CC0-1.0' })
  const statements = await statementsFrom(shelf, before)
  assert.deepEqual(
    statements.map(one => one.type),
    ['repository.described', 'repository.described'],
  )
  assert.equal(statements[0].edges[1].relation, 'wasDerivedFrom')
})

test('finished is immutable: no call changes what a version is', async t => {
  const { push, ask, call, sent } = await openShelf(t)
  const first = await push('features', { a: '1' })
  const calls = [
    call<PushView>('POST', REPOSITORIES, await sent('data', 'features', { a: '2' })),
    call('POST', `${REPOSITORIES}/features/tags`, { reference: 'features@v1', tags: ['v1', '1'] }),
    call('POST', `${REPOSITORIES}/features/about`, { title: 'x' }),
    call('POST', `${REPOSITORIES}/features/versions/1`, {}),
  ]
  await Promise.all(calls)

  const { versions } = await ask<VersionList>('GET', `${REPOSITORIES}/features/versions`)

  const { tags: _, ...kept } = versions.at(-1) as VersionList['versions'][number]
  const { tags: __, ...made } = first.body.version
  assert.deepEqual(kept, made)
})
