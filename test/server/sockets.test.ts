import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '../../server/gateway/gateway.ts'
import { serverOver, type Timing } from '../../server/sockets.ts'

const LARGE = 16 * 1024 * 1024
/** No endpoints. */
const gateway: Gateway = { handle: () => false, upgrade: () => {}, close: () => {} }

async function serve(t: TestContext, handler: RequestListener, timing: Partial<Timing>) {
  let cut = 0
  const stalled = () => void cut++
  const server = serverOver(handler, { tls: undefined, gateway, timing, stalled })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  function ask(text: string): Socket {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    socket.write(text)
    return socket
  }
  return { ask, cut: () => cut }
}

const GET = 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'

async function bytesOf(socket: Socket, pauseMs = 0): Promise<number> {
  let bytes = 0
  for await (const data of socket) {
    bytes += data.length
    if (pauseMs > 0) await sleep(pauseMs)
  }
  return bytes
}

test('an answer of which nothing is taken is cut', async t => {
  let gone: Promise<unknown> = Promise.resolve()
  const { ask, cut } = await serve(
    t,
    (_request, response) => {
      gone = once(response, 'close')
      response.end(Buffer.alloc(LARGE))
    },
    { stalledMs: 300 },
  )
  const socket = ask(GET)
  await once(socket, 'readable')

  await gone

  assert.equal(cut(), 1)
})

test('a reader who takes a little at a time gets all of it', async t => {
  const { ask, cut } = await serve(t, (_request, response) => response.end(Buffer.alloc(LARGE)), {
    stalledMs: 1500,
  })

  const bytes = await bytesOf(ask(GET), 5)

  assert.ok(bytes > LARGE)
  assert.equal(cut(), 0)
})

test('an answer that is quiet for long, as that of a followed log, is not cut', async t => {
  const { ask, cut } = await serve(
    t,
    async (_request, response) => {
      response.write('first\n')
      await sleep(700)
      response.end('last\n')
    },
    { stalledMs: 200 },
  )

  const text = (await Array.fromAsync(ask(GET))).join('')

  assert.match(text, /first\n[\s\S]*last\n/)
  assert.equal(cut(), 0)
})

test('who goes on sending a body that was refused is cut, and has the answer', async t => {
  const { ask } = await serve(t, (_request, response) => response.writeHead(507).end('full'), {
    lingerMs: 200,
  })
  const head = 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n'

  const answer = (await Array.fromAsync(ask(head))).join('')

  assert.match(answer, /^HTTP\/1\.1 507 /)
  assert.match(answer, /full/)
})

test('a connection remembers nothing of bodies that came after their answer', async t => {
  const listening: number[] = []
  const { ask } = await serve(
    t,
    (request, response) => {
      listening.push(request.socket.listenerCount('close'))
      response.end('there already')
    },
    {},
  )
  const head = 'PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\n'
  const socket = ask(head)

  for (let i = 0; i < 20; i++) {
    await once(socket, 'data')
    socket.write(`body${head}`)
  }
  await once(socket, 'data')

  assert.equal(listening.at(-1), listening.at(1))
})

test('headers that drip are answered with 408', async t => {
  const { ask } = await serve(t, (_request, response) => response.end(), {
    headersMs: 200,
    lookMs: 50,
  })

  const answer = (await Array.fromAsync(ask('GET / HTTP/1.1\r\nhost: loc'))).join('')

  assert.match(answer, /^HTTP\/1\.1 408 /)
})
