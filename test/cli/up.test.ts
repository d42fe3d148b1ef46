import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { COMMAND, kaosIn, OURS, temporary } from './played-server.ts'

describe('kaos up', () => {
  it('is the server: shows what it says, hands on signals, ends as it ends', async t => {
    const args = ['up', '--port', '0', '--data', join(temporary(t), 'data'), '--runner', 'process']
    const child = spawn(COMMAND, args, { env: OURS, stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    const ended = once(child, 'close')

    let url: string | undefined
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    while (url === undefined) {
      const { value, done } = await lines.next()
      if (done === true) break
      url = /^kaos is ready at (\S+)$/.exec(value)?.[1]
    }
    const answer = await fetch(`${url}/api/v1/server`)
    child.kill('SIGTERM')
    const stopping = (await Array.fromAsync({ [Symbol.asyncIterator]: () => lines })).join('\n')
    const [code] = await ended

    assert.equal(answer.status, 200)
    assert.equal(code, 0)
    assert.match(stopping, /^kaos is stopping: /m)
    await assert.rejects(fetch(`${url}/api/v1/server`))
  })

  it('ends with the exit code of a server that refuses to start', async t => {
    const done = await kaosIn(temporary(t))('up', '--host', '0.0.0.0', '--data', 'data')

    assert.equal(done.code, 2)
    assert.match(done.stderr, /^Error - .*--tls-cert/)
  })
})
