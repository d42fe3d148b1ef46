import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import { type ForwarderOptions, openForwarder } from '../../../runners/worker/forwarder.ts'
import { tunnelThrough } from '../../../server/gateway/tunnel.ts'
import { FIRST, SECOND } from './certificates.ts'

const SECRET = 'sesame'
const ATTEMPT = 'a'.repeat(32)

async function open(t: TestContext, listener: RequestListener, tls?: ForwarderOptions['tls']) {
  const service = createServer(listener)
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const scheme = tls ? 'https' : 'http'
  const url = (port: number) => `${scheme}://127.0.0.1:${port}`
  const forwarder = await openForwarder({ host: '127.0.0.1', port: 0, url, tls })
  t.after(() => {
    forwarder.close()
    service.closeAllConnections()
    service.close()
  })
  const { port } = service.address() as AddressInfo
  forwarder.open(ATTEMPT, SECRET, { host: '127.0.0.1', port })
  return { forwarder, service }
}

interface Asked {
  readonly url: string
  readonly secret?: string
  readonly attempt?: string
  readonly certificate?: string
  readonly headers?: Record<string, string>
}

/** A call through the forwarder, as the gateway makes it. */
function call({ url, secret = SECRET, attempt = ATTEMPT, certificate, headers = {} }: Asked) {
  const tunnel = tunnelThrough({ attempt, url, secret, certificate })
  return request({ createConnection: tunnel as never, path: '/x', headers })
}

async function answerOf(asked: Asked): Promise<string> {
  const asking = call(asked)
  asking.end()
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  return text(answer)
}

test('who knows the secret of an attempt reaches its service, and nobody else', async t => {
  const { forwarder } = await open(t, (asked, response) => response.end(`served ${asked.url}`))
  const { url } = forwarder.about

  const good = await answerOf({ url })

  assert.equal(good, 'served /x')
  for (const wrong of [{ secret: 'guess!' }, { secret: '' }, { attempt: 'b'.repeat(32) }]) {
    await assert.rejects(answerOf({ url, ...wrong }), { code: 'ENDPOINT_FAILED', message: /403/ })
  }
  forwarder.shut(ATTEMPT)
  await assert.rejects(answerOf({ url }), { message: /403/ })
})

test('a service that is gone is told apart from one that nobody may call', async t => {
  const { forwarder, service } = await open(t, (_asked, response) => response.end())
  service.close()

  await assert.rejects(answerOf({ url: forwarder.about.url }), { message: /502/ })
})

test('an answer comes as it is written, while the question is still being asked', async t => {
  const { forwarder } = await open(t, (asked, response) => asked.pipe(response))
  const asking = call({ url: forwarder.about.url, headers: { 'transfer-encoding': 'chunked' } })
  asking.write('one ')

  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  const [first] = await once(answer, 'data')
  asking.end('two')
  const rest = await text(answer)

  assert.deepEqual([String(first), rest], ['one ', 'two'])
})

test('a connection that changes its protocol is joined with that of the service', async t => {
  const { forwarder, service } = await open(t, () => {})
  service.on('upgrade', (_asked, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  const headers = { connection: 'Upgrade', upgrade: 'echo' }
  const asking = call({ url: forwarder.about.url, headers })
  asking.end()

  const [, socket] = await once(asking, 'upgrade')
  socket.write('hello')
  const [echoed] = await once(socket, 'data')
  socket.destroy()

  assert.equal(String(echoed), 'hello')
})

test('with TLS the certificate that the worker named is trusted, and no other', async t => {
  const { forwarder } = await open(t, (_asked, response) => response.end('served'), FIRST)
  const { url, certificate } = forwarder.about

  const good = await answerOf({ url, certificate: certificate! })

  assert.equal(good, 'served')
  assert.equal(certificate, FIRST.cert)
  await assert.rejects(answerOf({ url, certificate: SECOND.cert }))
  await assert.rejects(answerOf({ url }))
})

test('nothing but calls to services is answered', async t => {
  const { forwarder } = await open(t, (_asked, response) => response.end('served'))
  const { port } = new URL(forwarder.about.url)

  const plain = request({ host: '127.0.0.1', port, path: '/', agent: false })
  plain.end()
  const [answer] = (await once(plain, 'response')) as [IncomingMessage]
  const elsewhere = connect(Number(port), '127.0.0.1')
  elsewhere.write('CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: x\r\n\r\n')

  assert.equal(answer.statusCode, 404)
  assert.match(await text(elsewhere), /^HTTP\/1\.1 403 /)
})

test('what goes on is cut when the worker ends', async t => {
  const { forwarder } = await open(t, (_asked, response) => response.write('begun'))
  const asking = call({ url: forwarder.about.url })
  asking.end()
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]

  forwarder.close()

  await assert.rejects(text(answer))
})
