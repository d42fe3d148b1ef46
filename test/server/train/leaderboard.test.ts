import assert from 'node:assert/strict'
import test from 'node:test'
import type { LeaderboardView } from '../../../api/wire.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'

const board = (server: Scripted, query = '') =>
  server.ask<LeaderboardView>('GET', `/workspaces/mnist/train/leaderboard${query}`)

async function threeModels(t: test.TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.firstTraining({ hyperparams: { lr: [1, 2] } })
  await server.build()
  await server.trial({ accuracy_test: 9, loss_test: 0.3, accuracy_train: 1 })
  await server.trial({ accuracy_test: 10, loss_test: 0.2, accuracy_train: 1, note: 'text' })
  await server.train({ again: true })
  await server.trial({ accuracy_test: 'broken', loss_test: 0.1 })
  return server
}

test('the best models of all trainings come first, by number', async t => {
  const server = await threeModels(t)

  const view = await board(server, '?metric=accuracy_test')

  assert.equal(view.objective, 'max')
  assert.deepEqual(
    view.leaders.map(one => [one.score, one.values]),
    [
      [10, { lr: 2 }],
      [9, { lr: 1 }],
    ],
  )
})

test('of a loss less is better, unless something else is asked for', async t => {
  const server = await threeModels(t)

  const view = await board(server, '?metric=loss_test&limit=2')
  const other = await board(server, '?metric=loss_test&objective=max&limit=1')

  assert.deepEqual(
    view.leaders.map(one => one.score),
    [0.1, 0.2],
  )
  assert.deepEqual(
    other.leaders.map(one => one.score),
    [0.3],
  )
})

test('without a metric it is the one that most models have', async t => {
  const view = await board(await threeModels(t))

  assert.equal(view.metric, 'loss_test')
  assert.deepEqual(view.available, ['accuracy_test', 'accuracy_train', 'loss_test', 'note'])
})

test('versions and tags of a model are shown', async t => {
  const server = await threeModels(t)
  const { leaders } = await board(server)
  const tag = { reference: leaders[0]!.entity, tags: ['champion'] }
  const answer = await server.call('POST', '/workspaces/mnist/repositories/digits/tags', tag)
  assert.ok(answer.statusCode < 300, answer.body)

  const [best] = (await board(server)).leaders

  assert.deepEqual(best?.tags, ['digits@v1', 'digits:champion'])
})

test('a metric that no model has is refused, naming those there are', async t => {
  const server = await threeModels(t)

  const answer = await server.call('GET', '/workspaces/mnist/train/leaderboard?metric=f1')

  assert.equal(answer.statusCode, 404)
  assert.match(
    answer.json().message,
    /no model of workspace mnist has a metric "f1"; available: acc/,
  )
})

test('a workspace without models has an empty board', async t => {
  const server = await openScripted(t)
  await server.workspace()

  const view = await board(server)

  assert.deepEqual([view.metric, view.leaders], [null, []])
})
