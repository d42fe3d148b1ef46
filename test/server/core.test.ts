import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { openTestApp } from './open.ts'

const json = { 'content-type': 'application/json' }

test('the server says what it is, and the local administrator sees who he is', async t => {
  const { app, parts } = await openTestApp(t, { parts: { ledger: 'SQLite file' } })

  const answer = await app.inject('/api/v1/server')

  assert.equal(answer.statusCode, 200)
  assert.equal(answer.json().installation, parts.ledger.id)
  assert.equal(answer.json().actor.name, 'tester')
  assert.equal(answer.json().parts.ledger, 'SQLite file')
  assert.equal(answer.headers['kaos-api'], '1')
})

test('somebody without a token sees the public part of the server alone', async t => {
  const { app } = await openTestApp(t, { settings: { local: false } })

  const answer = await app.inject('/api/v1/server')

  assert.equal(answer.statusCode, 200)
  assert.deepEqual(Object.keys(answer.json()).sort(), [
    'api',
    'installation',
    'local',
    'name',
    'runner',
    'version',
  ])
})

test('what is not there is a problem with code, request id and the next step', async t => {
  const { app } = await openTestApp(t)

  const answer = await app.inject({ url: '/api/v1/nothing', headers: { 'x-request-id': 'mine-1' } })

  assert.equal(answer.statusCode, 404)
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
  assert.equal(answer.headers['x-request-id'], 'mine-1')
  assert.partialDeepStrictEqual(answer.json(), {
    status: 404,
    code: 'NOT_FOUND',
    requestId: 'mine-1',
    detail: 'there is nothing at GET /api/v1/nothing; see /openapi.json',
  })
})

test('a request id that could not stand in a log line is replaced', async t => {
  const { app } = await openTestApp(t)

  const answer = await app.inject({ url: '/healthz', headers: { 'x-request-id': 'a b\tc' } })

  assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{32}$/)
})

test('an error inside is told in one sentence, and its log has the stack', async t => {
  const { app, folder, parts } = await openTestApp(t)
  Object.assign(parts.ledger, {
    pointers: async () => {
      throw new Error(`SELECT failed in ${folder}`)
    },
  })

  const answer = await app.inject('/api/v1/workspaces')

  assert.equal(answer.statusCode, 500)
  assert.equal(answer.json().code, 'INTERNAL')
  assert.ok(!answer.body.includes(folder) && !answer.body.includes('SELECT'))
  const log = await readFile(join(folder, 'logs', 'server.log'), 'utf8')
  assert.ok(log.includes('SELECT failed') && log.includes(answer.json().requestId))
})

test('JSON may be nested 64 levels deep, and no deeper', async t => {
  const { app } = await openTestApp(t)
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const post = (payload: string) =>
    app.inject({ method: 'POST', url: '/api/v1/workspaces', headers: json, payload })

  const within = await post(nested(64))
  const beyond = await post(nested(65))
  const far = await post(nested(400_000))
  const inText = await post(JSON.stringify({ name: nested(100) }))

  assert.equal(within.json().code, 'BAD_REQUEST')
  assert.equal(beyond.json().code, 'JSON_TOO_DEEP')
  assert.equal(far.json().code, 'JSON_TOO_DEEP')
  assert.equal(inText.json().code, 'INVALID_NAME')
})

test('bodies that are too large, broken, of another type or with prototype keys are refused', async t => {
  const { app } = await openTestApp(t)
  const post = (payload: string, type = 'application/json') =>
    app.inject({
      method: 'POST',
      url: '/api/v1/workspaces',
      headers: { 'content-type': type },
      payload,
    })

  const answers = [
    await post(`{"name": "${'x'.repeat(2 ** 20)}"}`),
    await post('{"name": '),
    await post('{"name": "a", "__proto__": {"x": 1}}'),
    await post('<name/>', 'application/xml'),
    await post('{"name": 5}'),
    await post(''),
  ]

  assert.deepEqual(
    answers.map(answer => answer.json().code),
    ['TOO_LARGE', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST'],
  )
})

test('a client of another API version is told which side to update', async t => {
  const { app } = await openTestApp(t)
  const ask = (version: string) =>
    app.inject({ url: '/api/v1/server', headers: { 'kaos-api-client': version } })

  const newer = await ask('2')
  const older = await ask('0')
  const same = await ask('1')

  assert.equal(newer.statusCode, 426)
  assert.match(newer.json().detail, /update the server/)
  assert.match(older.json().detail, /update kaos/)
  assert.equal(same.statusCode, 200)
})

test('a stopping server takes no new work and goes on answering', async t => {
  const { app } = await openTestApp(t, { draining: () => true })

  const change = await app.inject({
    method: 'POST',
    url: '/api/v1/workspaces',
    payload: { name: 'a' },
  })
  const question = await app.inject('/api/v1/workspaces')

  assert.equal(change.statusCode, 503)
  assert.match(String(change.headers['retry-after']), /^\d+$/)
  assert.equal(question.statusCode, 200)
})

test('readiness names what fails in public words, health does not look at it', async t => {
  const { app } = await openTestApp(t, {
    settings: { reserve: { share: 0, bytes: Number.MAX_SAFE_INTEGER } },
    checks: { runner: async () => 'it ended with 1' },
  })

  const ready = await app.inject('/readyz')
  const healthy = await app.inject('/healthz')

  assert.equal(ready.statusCode, 503)
  assert.equal(ready.headers['retry-after'], '5')
  assert.deepEqual(ready.json().checks, {
    storage: 'nearly full: writes are refused',
    runner: 'it ended with 1',
  })
  assert.equal(healthy.statusCode, 200)
})

test('readiness is 200 when every part answers', async t => {
  const { app } = await openTestApp(t)

  const ready = await app.inject('/readyz')

  assert.equal(ready.statusCode, 200)
})

test('a route that does not say who may call it stops the server from starting', async t => {
  const { app } = await openTestApp(t)
  const add = () => app.get('/open', async () => 'nobody was asked')

  assert.throws(add, { code: 'CONFIGURATION', message: /GET \/open does not say who may call it/ })
})

test('the OpenAPI description holds every route, with its rights', async t => {
  const { app } = await openTestApp(t)
  await app.ready()
  // OCI, DVC and Git LFS are described by their own specifications.
  const own = /(?<! \*| \/v2) \(([A-Z, ]+)\)$/gm
  const lines = app.printRoutes({ commonPrefix: false }).matchAll(own)
  const methods = [...lines].flatMap(([, names = '']) => names.split(', '))

  const { paths, openapi } = (await app.inject('/openapi.json')).json()

  assert.equal(openapi, '3.1.0')
  const described = Object.entries<object>(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => ({ method: method.toUpperCase(), path })),
  )
  for (const { method, path } of described) {
    const url = path.replace(/\{(\w+)\}/g, ':$1')
    assert.ok(app.hasRoute({ method: method as 'GET', url }), `${method} ${url}`)
  }
  assert.ok(described.length > 30)
  assert.equal(described.length, methods.filter(method => method !== 'HEAD').length)
  for (const path of Object.values(paths)) {
    for (const operation of Object.values(path as Record<string, { description: string }>)) {
      assert.match(operation.description, /Needs the right|Open to anybody/)
    }
  }
})
