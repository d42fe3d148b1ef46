import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import type { FastifyInstance } from 'fastify'
import { ROLES, type Role, type Scope } from '../../api/actor.ts'
import { newId } from '../../api/ids.ts'
import { openTestApp } from './open.ts'

const SHARED = { settings: { local: false } }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

interface Route {
  method: 'GET' | 'POST' | 'DELETE' | 'PUT'
  url: string
  scope: Scope
}

/** Every route of the running server, with made-up names in its path. */
async function routesOf(app: FastifyInstance): Promise<Route[]> {
  const { paths } = (await app.inject('/openapi.json')).json()
  const routes: Route[] = []
  for (const [path, operations] of Object.entries<Record<string, { description: string }>>(paths)) {
    for (const [method, { description }] of Object.entries(operations)) {
      const [, scope = 'public'] = /Needs the right "(\w+)"/.exec(description) ?? []
      routes.push({
        method: method.toUpperCase() as Route['method'],
        url: path.replace(/\{\w+\}/g, newId()),
        scope: scope as Scope,
      })
    }
  }
  return routes
}

test('on a shared server every route that is not public asks an unknown caller for a token', async t => {
  const { app } = await openTestApp(t, SHARED)
  const routes = (await routesOf(app)).filter(route => route.scope !== 'public')

  const answers = await Promise.all(routes.map(({ method, url }) => app.inject({ method, url })))

  assert.ok(routes.length > 25)
  const open = routes.filter((_, i) => answers[i]?.statusCode !== 401)
  assert.deepEqual(open, [])
  const bodies = new Set(answers.map(({ body }) => body.replace(/"requestId":"\w+"/, '')))
  assert.equal(bodies.size, 1)
  assert.ok(answers.every(answer => answer.headers['www-authenticate'] !== undefined))
})

test('every role may call exactly the routes whose right it holds', async t => {
  const { app, tokenOf } = await openTestApp(t, SHARED)
  const routes = await routesOf(app)
  const wrong: string[] = []

  for (const role of Object.keys(ROLES) as Role[]) {
    const headers = bearer(await tokenOf(role))
    for (const { method, url, scope } of routes) {
      const { statusCode } = await app.inject({ method, url, headers })
      const may = (ROLES[role] as readonly Scope[]).includes(scope)
      const refused = statusCode === 401 || statusCode === 403
      if (may === refused) wrong.push(`${role} ${method} ${url}: ${statusCode}`)
    }
  }

  assert.deepEqual(wrong, [])
})

test("an attempt's token opens that attempt alone, a worker's token the claim alone", async t => {
  const { app, parts } = await openTestApp(t, SHARED)
  const attempt = newId()
  const own = bearer(await parts.people.issueAttemptToken(attempt, 'default'))
  const worker = bearer(await parts.people.issueWorkerToken('local'))
  const renew = (id: string) => `/api/v1/attempts/${id}/renew`

  const mine = await app.inject({ method: 'POST', url: renew(attempt), headers: own })
  const other = await app.inject({ method: 'POST', url: renew(newId()), headers: own })
  const list = await app.inject({ url: '/api/v1/workspaces', headers: own })
  const byWorker = await app.inject({ method: 'POST', url: renew(attempt), headers: worker })
  const claim = await app.inject({
    method: 'POST',
    url: '/api/v1/attempts/claim',
    headers: worker,
    payload: { worker: 'local', runner: 'process', kinds: ['build'], waitMs: 0 },
  })

  assert.ok(mine.statusCode !== 401 && mine.statusCode !== 403, mine.body)
  assert.equal(other.statusCode, 403)
  assert.equal(list.statusCode, 403)
  assert.equal(byWorker.statusCode, 403)
  assert.equal(claim.statusCode, 204)
})

test('a token works until it is revoked, and then not once more', async t => {
  const { app, tokenOf } = await openTestApp(t, SHARED)
  const admin = bearer(await tokenOf('administrator'))
  await app.inject({
    method: 'POST',
    url: '/api/v1/admin/users',
    headers: admin,
    payload: { name: 'jfriedman' },
  })
  const made = await app.inject({
    method: 'POST',
    url: '/api/v1/admin/tokens',
    headers: admin,
    payload: { user: 'jfriedman', name: 'laptop' },
  })
  const { token, view } = made.json()
  const ask = () => app.inject({ url: '/api/v1/workspaces', headers: bearer(token) })

  const before = await ask()
  const revoked = await app.inject({
    method: 'DELETE',
    url: `/api/v1/admin/tokens/${view.id}`,
    headers: admin,
  })
  const after = await ask()

  assert.match(token, /^kaos_[\w-]{43}$/)
  assert.equal(made.headers['cache-control'], 'no-store')
  assert.equal(before.statusCode, 200)
  assert.equal(revoked.statusCode, 204)
  assert.equal(after.statusCode, 401)
  const list = await app.inject({ url: '/api/v1/admin/tokens', headers: admin })
  const entry = list.json().tokens.find((one: { id: string }) => one.id === view.id)
  assert.equal(entry.revoked, true)
  assert.ok(!list.body.includes(token))
})

test('a token ends when its time is over', async t => {
  const { app, clock, tokenOf } = await openTestApp(t, SHARED)
  const headers = bearer(await tokenOf('viewer'))

  const before = await app.inject({ url: '/api/v1/workspaces', headers })
  clock.now += 30 * 24 * 3600_000
  const after = await app.inject({ url: '/api/v1/workspaces', headers })

  assert.equal(before.statusCode, 200)
  assert.equal(after.statusCode, 401)
})

test('the token of an attempt lives as long as it is used', async t => {
  const { app, clock, parts } = await openTestApp(t, SHARED)
  const worker = bearer(await parts.people.issueWorkerToken('local'))
  const ask = async () => (await app.inject({ url: '/api/v1/server', headers: worker })).statusCode

  const used: number[] = []
  for (let hours = 0; hours < 60; hours += 10) {
    used.push(await ask())
    clock.now += 10 * 3600_000
  }
  clock.now += 25 * 3600_000
  const unused = await ask()

  assert.deepEqual(used, [200, 200, 200, 200, 200, 200])
  assert.equal(unused, 401)
})

test('a token may come as the password of Basic', async t => {
  const { app, tokenOf } = await openTestApp(t, SHARED)
  const pair = Buffer.from(`anybody:${await tokenOf('viewer')}`).toString('base64')

  const answer = await app.inject({
    url: '/api/v1/workspaces',
    headers: { authorization: `Basic ${pair}` },
  })

  assert.equal(answer.statusCode, 200)
})

test('a token that is wrong in any way is refused alike, also on a local server', async t => {
  const { app, tokenOf } = await openTestApp(t)
  const good = await tokenOf('viewer')
  const wrong = [
    `Bearer ${good}x`,
    `Bearer ${good.slice(0, -1)}`,
    `Bearer ${good.toUpperCase()}`,
    `Bearer kaos_${'A'.repeat(43)}`,
    'Bearer ',
    'Bearer',
    `Digest ${good}`,
    'Basic !!!',
    `Basic ${Buffer.from(good).toString('base64')}`,
    good,
  ]

  const answers = await Promise.all(
    wrong.map(authorization =>
      app.inject({ url: '/api/v1/workspaces', headers: { authorization } }),
    ),
  )

  assert.deepEqual(
    answers.map(answer => answer.statusCode),
    wrong.map(() => 401),
  )
})

test('removing a user ends the tokens and erases the name, and the facts stay', async t => {
  const { app, parts, tokenOf } = await openTestApp(t)
  const headers = bearer(await tokenOf('maintainer'))
  const { actor } = (await app.inject({ url: '/api/v1/server', headers })).json()
  await app.inject({
    method: 'POST',
    url: '/api/v1/workspaces',
    headers,
    payload: { name: 'mnist' },
  })

  const removed = await app.inject({
    method: 'DELETE',
    url: `/api/v1/admin/users/${actor.name}`,
  })

  assert.equal(removed.statusCode, 204)
  assert.equal((await app.inject({ url: '/api/v1/workspaces', headers })).statusCode, 401)
  const [workspace] = (await app.inject('/api/v1/workspaces')).json().workspaces
  assert.equal(workspace.createdBy, actor.id.slice(0, 8))
  assert.equal((await parts.ledger.node(actor.id))?.kind, 'user')
  const entries = await parts.ledger.log(0, 1000)
  assert.ok(entries.every(({ payload }) => !payload?.includes(actor.name)))
  assert.deepEqual(await parts.ledger.records(`token/`), [])
})

test('users have names of one form, one holder each, and a role that exists', async t => {
  const { app } = await openTestApp(t)
  const add = async (payload: object) =>
    (await app.inject({ method: 'POST', url: '/api/v1/admin/users', payload })).json().code

  assert.equal(await add({ name: 'jf', role: 'viewer' }), undefined)
  assert.equal(await add({ name: 'jf' }), 'USER_EXISTS')
  assert.equal(await add({ name: 'j/f' }), 'INVALID_NAME')
  assert.equal(await add({ name: 'other', role: 'toString' }), 'BAD_REQUEST')
  const users = (await app.inject('/api/v1/admin/users')).json().users
  assert.partialDeepStrictEqual(users, [{ name: 'jf', role: 'viewer' }])
})

test('a local server answers only under names of this machine', async t => {
  const { app } = await openTestApp(t)
  const ask = async (host: string) =>
    (await app.inject({ url: '/api/v1/workspaces', headers: { host } })).statusCode

  for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:8080']) {
    assert.equal(await ask(host), 200, host)
  }
  for (const host of ['evil.example', 'localhost.evil.example:8080', '127.0.0.1.evil.example']) {
    assert.equal(await ask(host), 403, host)
  }
})

test('a page of another site cannot change anything on a local server', async t => {
  const { app } = await openTestApp(t)
  const post = async (origin: string) =>
    (
      await app.inject({
        method: 'POST',
        url: '/api/v1/workspaces',
        headers: { host: 'localhost:8080', origin },
        payload: { name: `w${randomUUID().slice(0, 8)}` },
      })
    ).statusCode

  assert.equal(await post('http://localhost:8080'), 201)
  assert.equal(await post('https://evil.example'), 403)
  assert.equal(await post('http://localhost:3000'), 403)
  assert.equal(await post('null'), 403)
})

test('a caller from another machine is nobody, even on a local server', async t => {
  const { app } = await openTestApp(t)

  const answer = await app.inject({ url: '/api/v1/workspaces', remoteAddress: '10.0.0.7' })

  assert.equal(answer.statusCode, 401)
})

test('neither the log nor the ledger file holds a token', async t => {
  const { app, folder, tokenOf, close } = await openTestApp(t, SHARED)
  const token = await tokenOf('administrator')
  const made = await app.inject({
    method: 'POST',
    url: '/api/v1/admin/tokens',
    headers: { ...bearer(token), 'idempotency-key': randomUUID() },
    payload: { user: 'administrator1', name: 'x' },
  })
  await app.inject({ url: '/api/v1/nothing', headers: bearer(token) })
  await app.inject({ url: '/api/v1/workspaces', headers: { authorization: `Basic ${token}` } })

  await close()

  assert.equal(made.statusCode, 201)
  for (const file of ['logs/server.log', 'ledger.sqlite']) {
    const bytes = await readFile(join(folder, file), 'latin1')
    assert.ok(bytes.length > 0)
    assert.ok(!bytes.includes(token) && !bytes.includes(made.json().token), file)
  }
})
