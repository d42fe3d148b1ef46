import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import type { Address } from '../../api/attempts.ts'
import type { JobsRoom } from '../../server/app.ts'
import type { Route } from '../../server/parts.ts'
import { atEnd, NO_JOBS, openTestApp, tempFolder } from './open.ts'

const NAME = 'serve-mnist-ae6466'

/** A service on a socket of its own, as a runner starts them. */
async function startService(t: TestContext, listener: RequestListener) {
  const server = createServer(listener)
  const socket = join(await tempFolder(t), 's')
  server.listen(socket)
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  atEnd(t, close)
  return { address: { socket }, server, close }
}

function endpointsAt(address: Address | undefined, more: Partial<Route> = {}): JobsRoom {
  const route: Route = {
    endpoint: NAME,
    address,
    revision: 'r1',
    model: 'e23a2_9fd9d:b82151',
    state: 'PIPELINE_RUNNING',
    organisation: 'default',
    ...more,
  }
  return { ...NO_JOBS, route: name => (name === NAME ? route : undefined) }
}

async function open(t: TestContext, listener: RequestListener, local = true) {
  const service = await startService(t, listener)
  const server = await openTestApp(t, {
    jobs: endpointsAt(service.address),
    settings: { local },
  })
  return { ...server, service, base: await server.listen() }
}

/** A service that answers what it was asked. */
async function echo(request: IncomingMessage, response: ServerResponse) {
  const { method, url, headers } = request
  const body = await text(request)
  response.setHeader('set-cookie', 'a=b')
  response.end(JSON.stringify({ method, url, headers, body }))
}

test('a call reaches the service without the endpoint name, and the answer names the model', async t => {
  const { base } = await open(t, echo)

  const answer = await fetch(`${base}/${NAME}/invocations?a=1`, { method: 'POST', body: 'pixels' })
  const asked = (await answer.json()) as Record<string, unknown>

  assert.partialDeepStrictEqual(asked, { method: 'POST', url: '/invocations?a=1', body: 'pixels' })
  assert.equal(answer.headers.get('kaos-revision'), 'r1')
  assert.equal(answer.headers.get('kaos-model'), 'e23a2_9fd9d:b82151')
  assert.equal(
    answer.headers.get('x-request-id'),
    (asked.headers as Record<string, string>)['x-request-id'],
  )
})

test('the bare name is the root of the service, and other names go to the API', async t => {
  const { base } = await open(t, echo)
  const urlOf = async (path: string) =>
    ((await (await fetch(base + path)).json()) as { url?: string; code?: string }) ?? {}

  assert.equal((await urlOf(`/${NAME}`)).url, '/')
  assert.equal((await urlOf(`/${NAME}?x=1`)).url, '/?x=1')
  assert.equal((await urlOf(`/${NAME}//a/../b`)).url, '//b')
  assert.equal((await urlOf(`/${NAME}x/invocations`)).code, 'NOT_FOUND')
  assert.equal((await urlOf('/healthz')).code, undefined)
})

test('what proves the caller to us stays here, and the answer sets no cookie', async t => {
  const { base, tokenOf } = await open(t, echo, false)
  const token = await tokenOf('viewer')

  const answer = await fetch(`${base}/${NAME}/`, {
    headers: { authorization: `Bearer ${token}`, cookie: 'session=1', 'x-own': 'kept' },
  })
  const body = await answer.text()

  assert.equal(answer.status, 200)
  assert.ok(!body.includes(token) && !body.includes('session=1'))
  assert.ok(body.includes('"x-own":"kept"'))
  assert.equal(answer.headers.get('set-cookie'), null)
  assert.match(answer.headers.get('content-security-policy') ?? '', /sandbox/)
})

test('on a shared server an endpoint asks for a token that may invoke', async t => {
  const { base, parts, tokenOf } = await open(t, echo, false)
  const call = async (token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return (await fetch(`${base}/${NAME}/`, { headers })).status
  }

  assert.equal(await call(), 401)
  assert.equal(await call(await parts.people.issueWorkerToken('local')), 403)
  assert.equal(await call(await tokenOf('viewer')), 200)
  const denials = await parts.ledger.records('audit/denial/')
  assert.deepEqual(
    denials.map(({ value }) => (value as { route: string }).route),
    [`/${NAME}`],
  )
})

test('a page of another site cannot call an endpoint of a local server', async t => {
  const { base } = await open(t, echo)

  const answer = await fetch(`${base}/${NAME}/`, {
    method: 'POST',
    headers: { origin: 'https://evil.example' },
  })

  assert.equal(answer.status, 403)
  assert.match(answer.headers.get('content-type') ?? '', /problem\+json/)
})

test('bodies stream both ways: an answer begins before the question has ended', async t => {
  const { base } = await open(t, (question, answer) => {
    question.pipe(answer)
  })
  const call = request(`${base}/${NAME}/`, { method: 'POST' })
  const [answer] = (await Promise.all([once(call, 'response'), call.write('first')]))[0] as [
    IncomingMessage,
  ]

  const [first] = await once(answer, 'data')
  call.end('second')
  const [second] = await once(answer, 'data')

  assert.equal(String(first), 'first')
  assert.equal(String(second), 'second')
})

test('a caller who goes away ends the call to the service', async t => {
  const ended = Promise.withResolvers<void>()
  const { base } = await open(t, (_question, answer) => {
    answer.write('begun')
    answer.once('close', () => ended.resolve())
  })
  const away = new AbortController()

  const answer = await fetch(`${base}/${NAME}/`, { signal: away.signal })
  away.abort()
  await ended.promise

  assert.equal(answer.status, 200)
})

test('an answer that breaks off at the service breaks off at the caller', async t => {
  const { base } = await open(t, (_question, answer) => {
    answer.write('half')
    setImmediate(() => answer.destroy())
  })

  const answer = await fetch(`${base}/${NAME}/`)

  await assert.rejects(answer.text())
})

test('a body of unknown length stays framed, whatever the method', async t => {
  const { base } = await open(t, echo)
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
  const call = request(`${base}/${NAME}/`, {
    method: 'DELETE',
    headers: { 'transfer-encoding': 'chunked' },
  })
  call.end(inner)

  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  const asked = JSON.parse(await text(answer))

  assert.equal(asked.body, inner)
})

test('an endpoint that is not ready asks to come back, a dead one is a bad gateway', async t => {
  const starting = await openTestApp(t, {
    jobs: endpointsAt(undefined, { state: 'PIPELINE_STARTING' }),
  })
  const { base, service } = await open(t, echo)
  await service.close()

  const early = await fetch(`${await starting.listen()}/${NAME}/invocations`)
  const dead = await fetch(`${base}/${NAME}/invocations`, { method: 'POST', body: 'x' })

  assert.equal(early.status, 503)
  assert.match(early.headers.get('retry-after') ?? '', /^\d+$/)
  assert.match(await early.text(), /PIPELINE_STARTING/)
  assert.equal(dead.status, 502)
  assert.equal(((await dead.json()) as { code: string }).code, 'ENDPOINT_FAILED')
})

test('a connection that changes its protocol is joined with that of the service', async t => {
  const { base, service } = await open(t, echo)
  service.server.on('upgrade', (question, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
    socket.write(`${question.url} `)
    socket.pipe(socket)
  })
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  const ask = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`

  socket.write(ask(`/${NAME}/ws`))
  let seen = ''
  for await (const bytes of socket) {
    seen += bytes
    if (seen.endsWith('/ws ')) socket.write('hello')
    if (seen.endsWith('hello')) break
  }
  const elsewhere = connect(Number(new URL(base).port), '127.0.0.1')
  elsewhere.write(ask('/nowhere'))
  const refused = await text(elsewhere)

  assert.match(seen, /^HTTP\/1.1 101 /)
  assert.match(seen, /kaos-revision: r1/)
  assert.match(refused, /^HTTP\/1.1 404 /)
})

test('closing the server cuts joined connections', async t => {
  const { base, service, close } = await open(t, echo)
  service.server.on('upgrade', (_question, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
    socket.resume().once('end', () => socket.end())
  })
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  const closed = once(socket, 'close')
  socket.write(
    `GET /${NAME}/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`,
  )
  await once(socket, 'data')

  await close()

  await closed
})
