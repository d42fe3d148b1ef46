import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { connected, kaosIn, play, sendJson, sendProblem } from '../played-server.ts'

const ID = '01a1fcfcaa4f76bbb63a4340eb434d1c'
const line = (value: object) => `${JSON.stringify({ trial: 0, attempt: 1, ...value })}\n`
const LOSSES = [0.5, 0.4, 0.3].map((value, step) =>
  line({ key: 'loss', value, step, timestamp: 0 }),
)

/** A server with one job, whose streams `cut` ends before their time, once. */
async function playJob(t: TestContext, end: string, cut?: (response: ServerResponse) => void) {
  let [state, left] = ['JOB_RUNNING', 1]
  const texts: Record<string, string[]> = {
    logs: ['first\n', 'second\n', 'third\n'],
    metrics: LOSSES,
    measurements: [line({ at: '2026-01-01T00:00:00Z', cpuSeconds: 1, memoryBytes: 5 })],
  }
  const { url } = await play(t, (seen, response) => {
    const { pathname } = new URL(seen.url, 'http://x')
    const name = decodeURIComponent(pathname.split('/').at(-1)!)
    if (name === 'workspaces') return sendJson(response, { workspaces: [{ name: 'mnist' }] })
    if (name === '@latest' || name === ID) {
      const job = { jobId: ID, kind: 'train', state, reason: state === end ? 'why' : null }
      const progress = { done: 0, failed: 0, total: 1 }
      const models = [{ modelId: state === 'JOB_SUCCESS' ? 'a_b:c' : null, state, metrics: {} }]
      return sendJson(response, { job: { ...job, progress }, models, pageCount: 1, pageId: 0 })
    }
    const parts = texts[name]
    if (!parts) return sendProblem(response, 404, 'NOT_FOUND', 'no such thing')
    if (name === 'logs' && cut && left-- > 0) {
      response.write(parts[0])
      setTimeout(() => cut(response), 100)
      return
    }
    response.end(parts.join(''))
    if (name === 'logs') state = end
  })
  return kaosIn(connected(t, url))
}

describe('kaos train watch', () => {
  it('tells log, metrics and use, and ends with the job', async t => {
    const kaos = await playJob(t, 'JOB_SUCCESS')

    const done = await kaos('train', 'watch', '-j', '@latest')

    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stdout, /first\nsecond\nthird\n/)
    assert.match(done.stdout, /step 2: loss 0\.3000/)
    assert.match(done.stdout, /JOB_SUCCESS.*\n ✔ Trained model_id: a_b:c\n$/)
  })

  it('ends with exit code 5 when the job has failed, and says why', async t => {
    const kaos = await playJob(t, 'JOB_FAILURE')

    const done = await kaos('train', 'watch', '-j', '@latest')

    assert.equal(done.code, 5)
    assert.match(done.stderr, /failed: why; its log: kaos train logs -j/)
  })

  for (const [what, cut] of [
    ['breaks', (response: ServerResponse) => void response.destroy()],
    ['is ended by a server that goes away', (response: ServerResponse) => void response.end()],
  ] as const) {
    it(`goes on where it was when a stream ${what}`, async t => {
      const kaos = await playJob(t, 'JOB_SUCCESS', cut)

      const done = await kaos('train', 'watch', '-j', '@latest', '--json')

      assert.equal(done.code, 0, done.stderr)
      const events = done.stdout
        .trim()
        .split('\n')
        .map(one => JSON.parse(one) as Record<string, unknown>)
      const log = events.filter(one => one.event === 'log').map(one => one.text)
      const losses = events.filter(one => one.event === 'metric').map(one => one.value)
      assert.deepEqual(log, ['first', 'second', 'third'])
      assert.deepEqual(losses, [0.5, 0.4, 0.3])
      assert.deepEqual(events.at(-1), {
        ...{ event: 'end', state: 'JOB_SUCCESS', reason: 'why', models: ['a_b:c'] },
      })
    })
  }

  it('refuses a trial that the job does not have', async t => {
    const kaos = await playJob(t, 'JOB_SUCCESS')

    const done = await kaos('train', 'watch', '-j', '@latest', '--trial', '3')

    assert.equal(done.code, 1)
    assert.match(done.stderr, /there is no trial 3; this job has only 0/)
  })
})
