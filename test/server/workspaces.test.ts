import assert from 'node:assert/strict'
import test from 'node:test'
import { openTestApp, type TestApp } from './open.ts'

const create = ({ app }: TestApp, name: string) =>
  app.inject({ method: 'POST', url: '/api/v1/workspaces', payload: { name } })
const kill = ({ app }: TestApp, name: string) =>
  app.inject({ method: 'DELETE', url: `/api/v1/workspaces/${name}` })

test('a workspace is kept in lower case and found in any', async t => {
  const server = await openTestApp(t)

  const made = await create(server, 'Mnist_2')
  const info = await server.app.inject('/api/v1/workspaces/MNIST_2')

  assert.equal(made.statusCode, 201)
  assert.partialDeepStrictEqual(made.json(), { name: 'mnist_2', createdBy: 'tester' })
  assert.equal(info.json().name, 'mnist_2')
  assert.ok(Array.isArray(info.json().pipelines))
})

test('a name in use is a conflict, also for two at once', async t => {
  const server = await openTestApp(t)

  const answers = await Promise.all([create(server, 'mnist'), create(server, 'MNIST')])

  const codes = answers.map(answer => answer.statusCode).sort()
  assert.deepEqual(codes, [201, 409])
})

test('names are letters, digits and underscores', async t => {
  const server = await openTestApp(t)

  for (const name of ['', 'a b', 'a/b', 'ä', '../x', 'a'.repeat(65)]) {
    assert.equal((await create(server, name)).json().code, 'INVALID_NAME', name)
  }
})

test('killing a workspace takes exactly that one, and its name can be used anew', async t => {
  const server = await openTestApp(t)
  await create(server, 'a')
  await create(server, 'data2')
  const before = await server.parts.workspaces.find(server.parts.people.local, 'a')

  const killed = await kill(server, 'a')
  const again = await kill(server, 'a')
  const left = (await server.app.inject('/api/v1/workspaces')).json().workspaces
  await create(server, 'a')
  const after = await server.parts.workspaces.find(server.parts.people.local, 'a')

  assert.equal(killed.statusCode, 204)
  assert.equal(again.json().code, 'WORKSPACE_NOT_FOUND')
  assert.deepEqual(
    left.map((one: { name: string }) => one.name),
    ['data2'],
  )
  assert.notEqual(after.id, before.id)
  assert.equal(await server.parts.workspaces.byId(before.id), undefined)
  assert.equal((await server.parts.ledger.node(before.id))?.name, 'a')
})
