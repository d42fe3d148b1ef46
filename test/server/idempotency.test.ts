import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import type { FastifyInstance } from 'fastify'
import { openTestApp, tempFolder } from './open.ts'

const call = (app: FastifyInstance, key: string, name: string, headers = {}) =>
  app.inject({
    method: 'POST',
    url: '/api/v1/workspaces',
    headers: { 'idempotency-key': key, ...headers },
    payload: { name },
  })

test('the same call with the same key has one effect and one answer, also after a restart', async t => {
  const folder = await tempFolder(t)
  const first = await openTestApp(t, { folder })
  const made = await call(first.app, 'key-1', 'mnist')
  const repeated = await call(first.app, 'key-1', 'mnist')
  await first.close()
  const second = await openTestApp(t, { folder })

  const later = await call(second.app, 'key-1', 'mnist')

  assert.equal(made.statusCode, 201)
  assert.equal(made.headers['idempotency-replayed'], undefined)
  for (const answer of [repeated, later]) {
    assert.equal(answer.statusCode, 201)
    assert.equal(answer.headers['idempotency-replayed'], 'true')
    assert.equal(answer.headers['content-type'], made.headers['content-type'])
    assert.equal(answer.body, made.body)
  }
})

test('a refusal that is final is repeated as well', async t => {
  const { app } = await openTestApp(t)
  await call(app, 'key-1', 'mnist')

  const refused = await call(app, 'key-2', 'mnist')
  const repeated = await call(app, 'key-2', 'mnist')

  assert.equal(refused.statusCode, 409)
  assert.equal(repeated.statusCode, 409)
  assert.equal(repeated.headers['idempotency-replayed'], 'true')
  assert.equal(repeated.headers['content-type'], 'application/problem+json')
})

test('a key of another call is refused', async t => {
  const { app } = await openTestApp(t)
  await call(app, 'key-1', 'mnist')

  const other = await call(app, 'key-1', 'other')

  assert.equal(other.statusCode, 422)
  assert.equal(other.json().code, 'IDEMPOTENCY_KEY_REUSED')
})

test('while the first call runs, the second waits its turn', async t => {
  const { app } = await openTestApp(t)

  const answers = await Promise.all(Array.from({ length: 5 }, () => call(app, 'key-1', 'mnist')))

  const made = answers.filter(answer => answer.statusCode === 201)
  const waiting = answers.filter(answer => answer.json().code === 'IDEMPOTENCY_IN_PROGRESS')
  assert.equal(made.filter(answer => !answer.headers['idempotency-replayed']).length, 1)
  assert.equal(made.length + waiting.length, 5)
  assert.equal((await call(app, 'key-1', 'mnist')).headers['idempotency-replayed'], 'true')
})

test('keys are per caller, and what only another try could better is not kept', async t => {
  const { app, tokenOf } = await openTestApp(t, { settings: { local: false } })
  const as = async (role: 'maintainer' | 'viewer') => ({
    authorization: `Bearer ${await tokenOf(role)}`,
  })
  const [one, other, viewer] = [await as('maintainer'), await as('maintainer'), await as('viewer')]

  const made = await call(app, 'same', 'mnist', one)
  const theirs = await call(app, 'same', 'mnist', other)
  const forbidden = await call(app, 'same', 'mnist', viewer)
  const forbiddenAgain = await call(app, 'same', 'mnist', viewer)

  assert.equal(made.statusCode, 201)
  assert.equal(theirs.statusCode, 409)
  assert.equal(forbidden.statusCode, 403)
  assert.equal(forbiddenAgain.headers['idempotency-replayed'], undefined)
})

test('a key lasts for a day', async t => {
  const { app, clock } = await openTestApp(t)
  await call(app, 'key-1', 'mnist')

  clock.now += 25 * 3600_000
  const later = await call(app, 'key-1', 'other')

  assert.equal(later.statusCode, 201)
})

test('a token is shown once: repeating the call makes no second one and shows nothing', async t => {
  const { app, folder, close } = await openTestApp(t)
  await app.inject({ method: 'POST', url: '/api/v1/admin/users', payload: { name: 'jf' } })
  const ask = () =>
    app.inject({
      method: 'POST',
      url: '/api/v1/admin/tokens',
      headers: { 'idempotency-key': 'key-1' },
      payload: { user: 'jf' },
    })

  const made = await ask()
  const repeated = await ask()
  const list = await app.inject('/api/v1/admin/tokens')
  await close()

  assert.equal(made.statusCode, 201)
  assert.equal(repeated.statusCode, 409)
  assert.match(repeated.json().detail, /take a new key/)
  assert.equal(list.json().tokens.length, 1)
  const ledger = await readFile(join(folder, 'ledger.sqlite'), 'latin1')
  assert.ok(!ledger.includes(made.json().token))
})

test('a key that is no key is refused', async t => {
  const { app } = await openTestApp(t)

  assert.equal((await call(app, 'with blank', 'mnist')).statusCode, 400)
  assert.equal((await call(app, 'x'.repeat(201), 'mnist')).statusCode, 400)
})
