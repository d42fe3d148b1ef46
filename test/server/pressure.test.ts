import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import { Pace } from '../../server/plugins/pace.ts'
import { openTestApp, type TestApp } from './open.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const SHARED = { local: false } as const
const bounds = { requestsPerSecond: 0, uploads: 256, memoryBytes: 0, lagMs: 0 }

/** Sends the text, and gathers what comes until the other side ends. */
async function exchange(t: TestContext, url: string, text: string): Promise<string> {
  const socket = open(t, url)
  socket.write(text)
  let answer = ''
  socket.on('data', data => {
    answer += data
  })
  await once(socket, 'close')
  return answer
}

function open(t: TestContext, url: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return socket
}

test('a bucket holds ten seconds of calls and fills steadily', () => {
  let now = 0
  const pace = new Pace(2, () => now)

  const atOnce = Array.from({ length: 20 }, () => pace.take('a'))
  const beyond = pace.take('a')
  const other = pace.take('b')
  now = 500
  const later = pace.take('a')

  assert.deepEqual(new Set(atOnce), new Set([0]))
  assert.equal(beyond, 0.5)
  assert.equal(other, 0)
  assert.equal(later, 0)
})

test('one token that is too fast is told when to come back, and others are served', async t => {
  const settings = { ...SHARED, bounds: { ...bounds, requestsPerSecond: 1 } }
  const server = await openTestApp(t, { settings })
  const [fast, calm] = [await server.tokenOf('viewer'), await server.tokenOf('viewer')]
  const ask = (token: string) =>
    server.app.inject({ url: '/api/v1/workspaces', headers: bearer(token) })

  const answers = []
  for (let call = 0; call < 15; call++) answers.push(await ask(fast))
  const refused = answers.filter(({ statusCode }) => statusCode === 429)

  assert.ok(refused.length > 0)
  assert.equal(refused[0]!.json().code, 'TOO_MANY_REQUESTS')
  assert.match(String(refused[0]!.headers['retry-after']), /^\d+$/)
  assert.equal((await ask(calm)).statusCode, 200)
  const { body } = await server.app.inject({
    url: '/metrics',
    headers: bearer(await server.tokenOf('monitor')),
  })
  assert.match(body, /kaos_http_turned_away_total\{reason="rate"\} [1-9]/)
})

test('who guesses tokens is slowed down, and who has one is not', async t => {
  const settings = { ...SHARED, bounds: { ...bounds, requestsPerSecond: 1 } }
  const server = await openTestApp(t, { settings })
  const ask = (token: string) =>
    server.app.inject({ url: '/api/v1/workspaces', headers: bearer(token) })

  const guesses = []
  for (let call = 0; call < 15; call++) guesses.push((await ask(`kaos_${call}`)).statusCode)

  assert.equal(guesses[0], 401)
  assert.equal(guesses.at(-1), 429)
  assert.equal((await ask(await server.tokenOf('viewer'))).statusCode, 200)
})

test('on loopback nobody is too fast', async t => {
  const { app } = await openTestApp(t)

  const answers = await Promise.all(
    Array.from({ length: 100 }, () => app.inject('/api/v1/workspaces')),
  )

  assert.ok(answers.every(({ statusCode }) => statusCode === 200))
})

test('bodies beyond the bound are refused unread, and taken again once there is room', async t => {
  const server = await openTestApp(t, { settings: { bounds: { ...bounds, uploads: 1 } } })
  const url = await server.listen()
  const place = await uploadOf(server)
  const head = (bytes: number) =>
    `POST ${place} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${FRAMES_TYPE}\r\ncontent-length: ${bytes}\r\nconnection: close\r\n\r\n`
  const first = open(t, url)
  first.write(head(100))
  const inFlight = async () =>
    /kaos_uploads_in_flight 1\n/.test((await server.app.inject('/metrics')).body)
  while (!(await inFlight()));

  const refused = await exchange(t, url, head(64 * 1024 * 1024))
  first.destroy()
  while (await inFlight());
  const taken = await exchange(t, url, head(0))

  assert.match(refused, /^HTTP\/1\.1 (429|503) /)
  assert.match(refused, /\r\nretry-after: \d+\r\n/)
  assert.match(taken, /^HTTP\/1\.1 200 /)
})

test('a server whose loop comes late turns callers away, but never a worker or a probe', async t => {
  const server = await openTestApp(t, { settings: { bounds: { ...bounds, lagMs: 1000 } } })
  const token = await server.parts.people.issueWorkerToken('one')
  t.mock.method(server.parts.metrics.pulse, 'lag', () => ({ mean: 1001, max: 5000 }))

  const user = await server.app.inject('/api/v1/workspaces')
  const worker = await server.app.inject({
    method: 'POST',
    url: '/api/v1/attempts/claim',
    headers: bearer(token),
    payload: { worker: 'one', runner: 'process', kinds: ['build'], waitMs: 0 },
  })

  assert.equal(user.statusCode, 503)
  assert.equal(user.json().code, 'UNAVAILABLE')
  assert.ok(user.headers['retry-after'])
  assert.equal(worker.statusCode, 204)
  assert.equal((await server.app.inject('/readyz')).statusCode, 200)
  assert.equal((await server.app.inject('/metrics')).statusCode, 200)
})

test('a server at its memory bound takes no new body and goes on answering', async t => {
  const server = await openTestApp(t, { settings: { bounds: { ...bounds, memoryBytes: 1 } } })

  const change = await server.app.inject({
    method: 'POST',
    url: '/api/v1/workspaces',
    payload: { name: 'mnist' },
  })

  assert.equal(change.statusCode, 503)
  assert.equal((await server.app.inject('/api/v1/workspaces')).statusCode, 200)
})

test('JSON that drips is answered with 408, and the connection ends', async t => {
  const server = await openTestApp(t, { timing: { jsonMs: 200 } })
  const url = await server.listen()
  const head = 'POST /api/v1/workspaces HTTP/1.1\r\nhost: localhost\r\n'

  const answer = await exchange(
    t,
    url,
    `${head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{"name"`,
  )

  assert.match(answer, /^HTTP\/1\.1 408 /)
  assert.match(answer, /"code":"REQUEST_TIMEOUT"/)
  assert.match(answer, /\r\nconnection: close\r\n/)
})

async function uploadOf({ app }: TestApp): Promise<string> {
  await app.inject({ method: 'POST', url: '/api/v1/workspaces', payload: { name: 'mnist' } })
  const made = await app.inject({ method: 'POST', url: '/api/v1/workspaces/mnist/uploads' })
  return `/api/v1/workspaces/mnist/uploads/${made.json().upload}/objects`
}
