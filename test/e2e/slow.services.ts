/* Callers that drip, beside healthy ones: all of them are cut, and nobody else notices. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import { folder, startServer } from './kaos.ts'

const COUNT = 300

interface Ended {
  readonly status: string
  readonly seconds: number
}

/** Sends the head at once, then a byte a second, until the other side ends. */
function drip(t: TestContext, url: string, head: string): Promise<Ended> {
  const began = performance.now()
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(head)
  const timer = setInterval(() => socket.write('x'), 1000)
  t.after(() => socket.destroy())
  let answer = ''
  socket.on('data', data => {
    answer += data
  })
  socket.on('error', () => {})
  return new Promise(resolve => {
    socket.on('close', () => {
      clearInterval(timer)
      const [, status = 'cut'] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
      resolve({ status, seconds: (performance.now() - began) / 1000 })
    })
  })
}

async function healthy(url: string, calls: number): Promise<number[]> {
  const all: number[] = []
  for (let call = 0; call < calls; call++) {
    const began = performance.now()
    const answer = await fetch(`${url}/api/v1/workspaces`)
    assert.equal(answer.status, 200)
    await answer.text()
    all.push(performance.now() - began)
  }
  return all.toSorted((a, b) => a - b)
}

const p99 = (sorted: number[]) => sorted[Math.floor(sorted.length * 0.99)]!.toFixed(1)

test(`${COUNT} bodies and ${COUNT} heads that drip are cut with 408, and others are served`, async t => {
  const server = await startServer(folder(t))
  t.after(() => server.stop())
  const { url } = server
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  await post('/api/v1/workspaces', { name: 'slow' })
  const upload = await post('/api/v1/workspaces/slow/uploads', {})
  const { upload: id } = (await upload.json()) as { upload: string }
  const head = (path: string, type: string) =>
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: 100000\r\n\r\n`
  const json = head('/api/v1/workspaces', 'application/json')
  const stream = head(`/api/v1/workspaces/slow/uploads/${id}/objects`, FRAMES_TYPE)
  const before = await healthy(url, 200)

  const bodies = Array.from({ length: COUNT }, (_, n) => drip(t, url, n % 2 === 0 ? json : stream))
  const heads = Array.from({ length: COUNT }, () => drip(t, url, 'GET / HTTP/1.1\r\nhost: '))
  const during = await healthy(url, 200)
  const ended = await Promise.all([...bodies, ...heads])

  const cut = ended.filter(({ status }) => status !== '200').length
  const last = Math.max(...ended.map(({ seconds }) => seconds)).toFixed(1)
  console.log(
    `promise slow cut=${cut} of=${ended.length} told=${ended.filter(({ status }) => status === '408').length} last_s=${last} healthy_p99_ms=${p99(before)}->${p99(during)}`,
  )
  assert.equal(cut, 2 * COUNT)
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
})
