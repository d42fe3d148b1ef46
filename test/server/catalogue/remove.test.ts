import assert from 'node:assert/strict'
import test from 'node:test'
import { newId } from '../../../api/ids.ts'
import type { EndpointView, Problem } from '../../../api/wire.ts'
import { openShelf, sizeOf, statementsFrom, tagsOf } from './shelf.ts'

const REPOSITORIES = '/workspaces/mnist/repositories'

test('a version that tags stand at is removed only by force, and leaves its digest behind', async t => {
  const shelf = await openShelf(t)
  const { push, call, ask } = shelf
  const { version } = (await push('features', { a: '1' }, { tags: ['best', 'x'] })).body
  await push('features', { a: '2' })
  const before = await sizeOf(shelf)

  const refused = await call<Problem>('DELETE', `${REPOSITORIES}/features/versions/1`)
  const forced = await call('DELETE', `${REPOSITORIES}/features/versions/1?force=true`)
  const again = await call<Problem>('DELETE', `${REPOSITORIES}/features/versions/1`)

  assert.deepEqual([refused.status, refused.body.code], [409, 'IN_USE'])
  assert.match(refused.body.message, /features@v1 is in use: the tags best, x .*--force/)
  assert.deepEqual([forced.status, again.status], [204, 404])
  const statements = await statementsFrom(shelf, before)
  assert.deepEqual(
    statements.map(one => one.type),
    ['tag.moved', 'tag.moved', 'version.removed'],
  )
  assert.deepEqual(statements[2].detail, {
    repository: 'features',
    version: 1,
    entity: version.entity,
    digest: version.tree,
  })
  assert.deepEqual(await tagsOf(shelf, 'features'), [])
  // By its id and its digest it is there still: a job may have used it.
  const query = `/workspaces/mnist/entities?reference=${version.tree}`
  assert.partialDeepStrictEqual(await ask('GET', query), { entity: version.entity, places: [] })
})

test('the same content is a new version after its version was removed', async t => {
  const { push, ask, sent } = await openShelf(t)
  const first = await push('features', { a: '1' })
  await ask('DELETE', `${REPOSITORIES}/features/versions/1`)

  const again = await push('features', { a: '1' })

  assert.deepEqual([again.status, again.body.version.version], [201, 2])
  assert.notEqual(again.body.version.entity, first.body.version.entity)
  const { upload, tree } = await sent('data', 'features', { a: '1' })
  const body = { upload, tree, kind: 'data', folder: 'features' }
  const bundle = await ask<{ id: string }>('POST', '/workspaces/mnist/bundles', body)
  assert.equal(bundle.id, again.body.version.entity)
})

test('what an endpoint serves is not removed from under it', async t => {
  const { push, call, parts } = await openShelf(t)
  const { version } = (await push('m', { 'model/a': '1' }, { kind: 'model' })).body
  const workspace = await parts.workspaces.find(parts.people.local, 'mnist')
  const endpoint: Partial<EndpointView> = { name: 'serve-mnist-ae6466', state: 'PIPELINE_RUNNING' }
  const value = { ...endpoint, workspace: workspace.id, model: { entity: version.entity } }
  await parts.ledger.commit({
    actor: parts.people.local.id,
    organisation: workspace.organisation,
    records: [{ key: 'endpoint/serve-mnist-ae6466', value }],
  })

  const { status, body } = await call<Problem>('DELETE', `${REPOSITORIES}/m/versions/1`)

  assert.equal(status, 409)
  assert.match(body.message, /m@v1 is in use: the endpoints serve-mnist-ae6466 stand at it/)
})

test('a removal takes the names of an artifact as manifest and as referrer with it', async t => {
  const { parts, ask } = await openShelf(t)
  const { ledger, people } = parts
  const { id: ws, organisation } = await parts.workspaces.find(people.local, 'mnist')
  const [id, other] = [newId(), newId()]
  const node = { class: 'entity', kind: 'artifact', workspace: ws, attributes: {} } as const
  const at = (pointer: string, target = id) => ({ pointer, target })
  await ledger.commit({
    actor: people.local.id,
    organisation,
    statements: [
      {
        type: 'test.stated',
        workspace: ws,
        nodes: [
          { id, ...node },
          { id: other, ...node },
        ],
        moves: [
          at(`versions/${ws}/team`, '1'),
          at(`version/${ws}/team/00000001`),
          at(`place/${ws}/${id}/team`, '1'),
          at(`oci/${ws}/team/sha256:01`),
          at(`oci/${ws}/team/sha256:02`, other),
          at(`oci/${ws}/team/x/sha256:01`),
          at(`referrer/${ws}/team/sha256:00/sha256:01`),
          at(`referrer/${ws}/team/x/sha256:00/sha256:01`),
        ],
      },
    ],
  })

  await ask('DELETE', `${REPOSITORIES}/team/versions/1`)

  const left = await ledger.pointers('')
  assert.deepEqual(
    left.filter(one => /team/.test(one.name)).map(one => one.name.replace(ws, 'ws')),
    [
      'oci/ws/team/sha256:02',
      'oci/ws/team/x/sha256:01',
      'referrer/ws/team/x/sha256:00/sha256:01',
      'versions/ws/team',
    ],
  )
})
