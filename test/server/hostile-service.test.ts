/* What services, browsers and strangers may try at the gateway. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, createServer as createRawServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import type { JobsRoom } from '../../server/app.ts'
import { openTokens } from '../../server/people/tokens.ts'
import { atEnd, NO_JOBS, openTestApp, type TestApp, tempFolder } from './open.ts'

const NAME = 'serve-mnist-ae6466'
const MODEL = 'sha256:5e1f'

function endpointAt(socket: string, organisation = 'default'): JobsRoom {
  const route = {
    endpoint: NAME,
    address: { socket },
    revision: 'r1',
    model: MODEL,
    state: 'PIPELINE_RUNNING',
    organisation,
  }
  return { ...NO_JOBS, route: name => (name === NAME ? route : undefined) }
}

/** A service that answers each connection with these bytes, whatever HTTP makes of them. */
async function openRaw(t: TestContext, answer: string) {
  const socket = join(await tempFolder(t), 's')
  const open = new Set<Socket>()
  const service = createRawServer(caller => {
    open.add(caller)
    caller.on('error', () => {})
    caller.once('data', () => caller.end(answer))
  })
  service.listen(socket)
  await once(service, 'listening')
  atEnd(t, () => {
    for (const one of open) one.destroy()
    service.close()
  })
  const server = await openTestApp(t, { jobs: endpointAt(socket) })
  return { ...server, base: await server.listen() }
}

async function open(
  t: TestContext,
  listener: RequestListener,
  { local = true, organisation = 'default' } = {},
) {
  const socket = join(await tempFolder(t), 's')
  const service = createServer(listener)
  service.listen(socket)
  await once(service, 'listening')
  atEnd(t, () => {
    service.closeAllConnections()
    service.close()
  })
  const jobs = endpointAt(socket, organisation)
  const server = await openTestApp(t, { jobs, settings: { local } })
  return { ...server, service, base: await server.listen() }
}

/** Sends these bytes and answers all that comes until the end. */
async function raw(base: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

function withoutIds(answer: string): string {
  return answer.replaceAll(/[0-9a-f]{32}/g, 'ID').replaceAll(/^date: .*\r\n/gim, '')
}

test('an answer whose status is none is a bad gateway, and the server lives on', async t => {
  for (const status of ['000', '099', '101']) {
    const { base } = await openRaw(t, `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`)

    const answer = await fetch(`${base}/${NAME}/`)
    const health = await fetch(`${base}/healthz`)

    assert.equal(answer.status, 502, status)
    assert.equal(health.status, 200)
  }
})

test('a page of another site cannot open a WebSocket to an endpoint of a local server', async t => {
  const { base, service } = await open(t, (_question, answer) => answer.end())
  let joined = 0
  service.on('upgrade', (_question, socket) => {
    joined++
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
  })
  const ask = (origin: string) =>
    `GET /${NAME}/ws HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\n` +
    'Connection: Upgrade\r\nUpgrade: echo\r\n\r\n'

  const foreign = await raw(base, ask('https://evil.example'))
  const sandboxed = await raw(base, ask('null'))
  const own = await raw(base, ask('http://localhost'))

  assert.match(foreign, /^HTTP\/1.1 403 /)
  assert.match(sandboxed, /^HTTP\/1.1 403 /)
  assert.match(own, /^HTTP\/1.1 101 /)
  assert.equal(joined, 1)
})

test('whoever may not call an endpoint learns nothing of what it serves', async t => {
  const { base, parts } = await open(t, (_question, answer) => answer.end(), { local: false })
  const worker = await parts.people.issueWorkerToken('local')

  const anonymous = await fetch(`${base}/${NAME}/`)
  const stranger = await fetch(`${base}/${NAME}/`, {
    headers: { authorization: `Bearer ${worker}` },
  })

  for (const answer of [anonymous, stranger]) {
    assert.equal(answer.headers.get('kaos-model'), null)
    assert.equal(answer.headers.get('kaos-revision'), null)
  }
})

test('the endpoint of another organisation looks like one that is not there', async t => {
  const { base, tokenOf } = await open(t, (_question, answer) => answer.end(), {
    local: false,
    organisation: 'others',
  })
  const token = await tokenOf('viewer')
  const ask = (name: string, authorization: string) =>
    raw(base, `GET /${name}/a?b=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${authorization}\r\n`)

  for (const authorization of ['', `Authorization: Bearer ${token}\r\n`]) {
    const foreign = withoutIds(await ask(NAME, authorization))
    const absent = withoutIds(await ask('serve-mnist-000000', authorization))

    assert.equal(foreign.replaceAll(NAME, 'serve-mnist-000000'), absent)
  }
})

test('a header that names the length as its own does not unframe a body', async t => {
  const asked: string[] = []
  const { base } = await open(t, (question, answer) => {
    asked.push(question.url ?? '')
    question.resume().once('end', () => answer.end('ok'))
  })
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'

  const answer = await raw(
    base,
    `GET /${NAME}/first HTTP/1.1\r\nHost: localhost\r\nConnection: close, content-length\r\n` +
      `Content-Length: ${inner.length}\r\n\r\n${inner}`,
  )

  assert.match(answer, /^HTTP\/1.1 200 /)
  assert.deepEqual(asked, ['/first'])
})

test('an address that no service could be asked for is a bad request', async t => {
  const { base } = await open(t, (_question, answer) => answer.end())

  const answer = await raw(
    base,
    `GET /${NAME}/a\tb HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
  )

  assert.match(answer, /^HTTP\/1.1 400 /)
})

async function revoke({ parts }: TestApp): Promise<void> {
  const tokens = openTokens(parts.ledger, parts.now)
  for (const { id } of await tokens.list(parts.people.local)) {
    await tokens.revoke(parts.people.local, id)
  }
}

test('a revoked token ends the answer that still comes', async t => {
  const server = await open(t, (_question, answer) => void answer.write('begun'), { local: false })
  const headers = { authorization: `Bearer ${await server.tokenOf('viewer')}` }
  const answer = await fetch(`${server.base}/${NAME}/`, { headers })

  await revoke(server)

  await assert.rejects(answer.text())
})

test('a revoked token ends a joined connection', async t => {
  const server = await open(t, (_question, answer) => answer.end(), { local: false })
  server.service.on('upgrade', (_question, socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
  })
  const socket = connect(Number(new URL(server.base).port), '127.0.0.1')
  const closed = once(socket, 'close')
  socket.write(
    `GET /${NAME}/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n` +
      `Authorization: Bearer ${await server.tokenOf('viewer')}\r\n\r\n`,
  )
  await once(socket, 'data')

  await revoke(server)

  await closed
})
