import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { Client, path } from '../../cli/client.ts'
import { LOCAL, play, sendJson, sendProblem } from './played-server.ts'

describe('calls to the server', () => {
  it('carry token, version of the API, and for a change a key', async t => {
    const { url, seen } = await play(t, (_seen, response) => sendJson(response, { ok: true }))
    const client = new Client(url, 'kaos_secret')

    await client.get('/a', { page: 0, none: undefined })
    await client.post('/b', { x: 1 })

    assert.equal(seen[0]?.url, '/api/v1/a?page=0')
    assert.equal(seen[0]?.headers.authorization, 'Bearer kaos_secret')
    assert.equal(seen[0]?.headers['kaos-api-client'], '1')
    assert.equal(seen[0]?.headers['idempotency-key'], undefined)
    assert.match(String(seen[1]?.headers['idempotency-key']), /^[0-9a-f-]{36}$/)
    assert.equal(seen[1]?.body.toString(), '{"x":1}')
  })

  it('are done when there is nothing to answer', async t => {
    const { url } = await play(t, (_seen, response) => response.writeHead(204).end())

    assert.equal(await new Client(url, undefined).post('/queue/pause'), undefined)
  })

  it('are repeated with the same key when the connection is lost', async t => {
    const { url, seen } = await play(t, (_seen, response, call) => {
      if (call === 0) response.destroy()
      else sendJson(response, { done: true })
    })

    const answer = await new Client(url, undefined).post('/train')

    assert.deepEqual(answer, { done: true })
    const keys = seen.map(one => one.headers['idempotency-key'])
    assert.equal(keys.length, 2)
    assert.equal(keys[0], keys[1])
  })

  it('are repeated when an answer breaks off in the middle', async t => {
    const { url } = await play(t, (_seen, response, call) => {
      if (call > 0) return sendJson(response, { whole: true })
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('{"who', () => response.destroy())
    })

    assert.deepEqual(await new Client(url, undefined).get('/x'), { whole: true })
  })

  it('wait when the server says so, and give up when it says so for good', async t => {
    const { url, seen } = await play(t, (_seen, response, call) => {
      if (call < 2) response.writeHead([503, 429][call]!, { 'retry-after': '0' }).end()
      else sendProblem(response, 503, 'RUNNER_UNAVAILABLE', 'no runner')
    })

    await assert.rejects(new Client(url, undefined).get('/x'), {
      code: 'RUNNER_UNAVAILABLE',
      message: 'no runner (request r1 in the log of the server)',
    })
    assert.equal(seen.length, 3)
  })

  it('wait for the first try of the same change when that is still at work', async t => {
    const { url } = await play(t, (_seen, response, call) => {
      if (call === 0) sendProblem(response, 409, 'IDEMPOTENCY_IN_PROGRESS', 'still running')
      else sendJson(response, { once: true })
    })

    assert.deepEqual(await new Client(url, undefined).post('/x'), { once: true })
  })

  it('outlive a restart of a server that they have met', async t => {
    let dropped = false
    const { url, seen } = await play(t, (one, response) => {
      if (one.url.endsWith('/second') && !dropped) {
        dropped = true
        response.destroy()
      } else sendJson(response, {})
    })
    const client = new Client(url, undefined)

    await client.get('/first')
    await client.get('/second')

    assert.equal(seen.length, 3)
  })

  it('wait for a server that waits for one of its parts, and say so once', async t => {
    const { url, seen } = await play(t, (_seen, response, call) => {
      response.setHeader('retry-after', '0')
      if (call < 6) sendProblem(response, 503, 'UNAVAILABLE', 'the ledger does not answer')
      else sendJson(response, {})
    })
    const told: string[] = []

    await new Client(url, undefined, why => told.push(why)).get('/x')

    assert.equal(seen.length, 7)
    assert.deepEqual(told, ['the ledger does not answer'])
  })

  it('quote what a name holds', () => {
    assert.equal(path`/models/${'a_b:c/../d'}/logs`, '/models/a_b%3Ac%2F..%2Fd/logs')
  })
})

describe('errors say what is wrong and what to do', () => {
  const failing = (url: string) => new Client(url, undefined).get('/x')

  it('a server that is not there', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => taken.once('listening', resolve))
    const address = taken.address()
    const port = typeof address === 'object' ? address?.port : 0
    await new Promise(resolve => taken.close(resolve))

    await assert.rejects(failing(`http://127.0.0.1:${port}`), {
      code: 'UNREACHABLE',
      exit: 1,
      message: `cannot reach http://127.0.0.1:${port}: start it with kaos up, or connect elsewhere with kaos init -e <endpoint>`,
    })
  })

  it('something that is not kaos', async t => {
    const pages = [200, 404, 500]
    const { url } = await play(t, (_seen, response, call) => {
      response.writeHead(pages[call]!, { 'content-type': 'text/html' }).end('<h1>hello</h1>')
    })

    for (const _ of pages) {
      await assert.rejects(failing(url), { code: 'UNREACHABLE', message: /not as kaos does/ })
    }
  })

  it('a server whose name is that of another program', async t => {
    const { url } = await play(t, (_seen, response) => sendJson(response, { name: 'other' }))

    await assert.rejects(new Client(url, undefined).server(), { message: /not as kaos does/ })
  })

  it('an address that sends its callers on', async t => {
    const { url } = await play(t, (_seen, response) => {
      response.writeHead(301, { location: 'https://kaos.example.org/' }).end()
    })

    await assert.rejects(failing(url), { message: /https:\/\/kaos\.example\.org\// })
  })

  it('which of the two is too old', async t => {
    const { url } = await play(t, (_seen, response, call) => {
      if (call === 0) sendJson(response, { ...LOCAL, api: 2 })
      else sendProblem(response, 426, 'VERSION_MISMATCH', 'no', { data: { server: 0 } })
    })
    const client = new Client(url, undefined)

    await assert.rejects(client.server(), {
      code: 'VERSION_MISMATCH',
      message: /this kaos command$/,
    })
    await assert.rejects(client.get('/x'), { code: 'VERSION_MISMATCH', message: /the server$/ })
  })

  it('the words, code and detail of the server', async t => {
    const { url } = await play(t, (_seen, response, call) => {
      if (call === 0) sendProblem(response, 404, 'JOB_NOT_FOUND', 'no job x', { data: { id: 'x' } })
      if (call === 1) sendProblem(response, 403, 'OF_A_LATER_VERSION', 'not you')
      if (call === 2) sendProblem(response, 500, 'INTERNAL', 'broken')
    })

    await assert.rejects(failing(url), { code: 'JOB_NOT_FOUND', exit: 3, detail: { id: 'x' } })
    await assert.rejects(failing(url), { code: 'NOT_PERMITTED', exit: 4, message: 'not you' })
    await assert.rejects(failing(url), { code: 'INTERNAL', message: /broken \(request r1 / })
  })
})
