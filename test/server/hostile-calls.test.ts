/* What callers of the API may try, with a token or without. */
import assert from 'node:assert/strict'
import { chmod, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test from 'node:test'
import { openTokens } from '../../server/people/tokens.ts'
import { bounded } from '../../server/transfer/bodies.ts'
import { openTestApp, tempFolder } from './open.ts'
import { post } from './sending.ts'

const SHARED = { settings: { local: false } }

test('a stranger is told the same of every address, there or not', async t => {
  const { app } = await openTestApp(t, SHARED)

  const there = await app.inject('/api/v1/workspaces')
  const absent = await app.inject('/api/v1/nothing')
  const elsewhere = await app.inject('/serve-mnist-ae6466/invocations')

  for (const { statusCode, body } of [absent, elsewhere]) {
    assert.equal(statusCode, 401)
    const withoutId = (text: string) => text.replace(/"requestId":"\w+"/, '')
    assert.equal(withoutId(body), withoutId(there.body))
  }
})

test('a body that is a text is refused where JSON is read, with a key or without', async t => {
  const { app } = await openTestApp(t)
  await app.inject({ method: 'POST', url: '/api/v1/workspaces', payload: { name: 'mnist' } })
  const urls = ['/api/v1/workspaces/mnist/uploads', '/api/v1/workspaces/mnist/jobs/x/kill']

  for (const url of urls) {
    for (const more of [{}, { 'idempotency-key': 'k' }]) {
      for (const type of ['text/plain', 'application/octet-stream']) {
        const headers = { 'content-type': type, ...more }
        const answer = await app.inject({ method: 'POST', url, headers, payload: '{}' })

        assert.equal(answer.statusCode, 400, `${url} ${type}`)
        assert.equal(answer.json().code, 'BAD_REQUEST')
      }
    }
  }
})

test('addresses that cannot be read are problems like all others', async t => {
  const { app } = await openTestApp(t)
  const bad = ['/api/v1/workspaces/%zz', '/api/v1/workspaces/%ff', '/%', `/${'a'.repeat(5000)}`]

  for (const url of [...bad, `/api/v1/workspaces/${'a'.repeat(5000)}`]) {
    const answer = await app.inject(url)

    assert.ok([400, 404].includes(answer.statusCode), url)
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, url)
    assert.equal(answer.json().requestId, answer.headers['x-request-id'])
  }
})

test('a token in an address does not come into the log', async t => {
  const { app, folder, tokenOf } = await openTestApp(t, SHARED)
  const token = await tokenOf('viewer')

  await app.inject(`/api/v1/workspaces?token=${token}`)

  const log = await readFile(join(folder, 'logs', 'server.log'), 'utf8')
  assert.match(log, /workspaces\?token=/)
  assert.ok(!log.includes(token))
})

test('a revoked token ends an answer of the API that still comes', async t => {
  const { app, parts, tokenOf, listen } = await openTestApp(t, {
    ...SHARED,
    async registerJobRoutes() {},
  })
  app.get('/api/v1/long', { config: { scope: 'read' } }, (_request, reply) => {
    const lines = new Readable({ read() {} })
    lines.push('begun')
    return reply.type('text/plain').send(lines)
  })
  const token = await tokenOf('viewer')
  const base = await listen()
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${base}/api/v1/long`, { headers })
  const tokens = openTokens(parts.ledger, parts.now)

  for (const { id } of await tokens.list(parts.people.local)) {
    await tokens.revoke(parts.people.local, id)
  }

  await assert.rejects(answer.text())
})

test('a token has an end that is a date, and a name that can stand in a listing', async t => {
  const { app } = await openTestApp(t)
  await app.inject({ method: 'POST', url: '/api/v1/admin/users', payload: { name: 'ann' } })
  const wanted = [{ expiresInSeconds: 1e15 }, { name: 'a\nb' }, { name: '\x1b[2J' }]

  for (const more of wanted) {
    const payload = { user: 'ann', ...more }
    const { statusCode } = await app.inject({
      method: 'POST',
      url: '/api/v1/admin/tokens',
      payload,
    })

    assert.equal(statusCode, 400, JSON.stringify(more))
  }
})

test('a body that stops coming is given up after half a minute', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const silent = new Readable({ read() {} })
  const reading = bounded(silent, 10).next()

  t.mock.timers.tick(30_000)

  await assert.rejects(reading, { code: 'REQUEST_TIMEOUT' })
})

/** Files below the folder that other users of the host could read. */
async function readableBy(folder: string, others: number): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    const { mode } = await stat(path)
    if (entry.isDirectory() && (mode & 0o001) !== 0) found.push(...(await readableBy(path, others)))
    if (entry.isFile() && (mode & others) !== 0) found.push(path)
  }
  return found
}

test('in a data folder that was there before, nobody else can read what the server keeps', async t => {
  const folder = await tempFolder(t)
  await chmod(folder, 0o755)
  const { listen } = await openTestApp(t, { folder })
  const base = await listen()

  await post(`${base}/api/v1/workspaces`, { name: 'mnist' })

  assert.deepEqual(await readableBy(folder, 0o004), [])
})
