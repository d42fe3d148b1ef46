import assert from 'node:assert/strict'
import test from 'node:test'
import type { WorkOrder } from '../../../api/attempts.ts'
import type { MetricLine } from '../../../api/wire.ts'
import { openScripted, type Scripted } from './scripted.ts'

const point = (key: string, value: number, step: number) => ({ key, value, step, timestamp: 1000 })
const textOf = (points: readonly object[]) => points.map(one => `${JSON.stringify(one)}\n`).join('')

function say(server: Scripted, order: WorkOrder, offset: number, text: string) {
  const url = `${order.attempt}/metrics?offset=${offset}`
  return server.workerCall(url, Buffer.from(text), order.token, 'application/octet-stream')
}

async function said(server: Scripted, job: string, query = ''): Promise<MetricLine[]> {
  const answer = await server.call('GET', `/workspaces/mnist/jobs/${job}/metrics${query}`)
  assert.equal(answer.statusCode, 200, answer.body)
  const lines = answer.body.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as MetricLine)
}

test('metrics are there while a trial runs, after a crash, and for ever after it ended', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const text = textOf([point('loss', 3, 0)])
  await say(server, order, 0, text)

  const live = await said(server, job!.jobId)
  const again = await server.restart()
  const afterCrash = await said(again, job!.jobId)
  const metrics = await again.sendFile(order, text + textOf([point('loss', 2, 1)]))
  const output = await again.sendTree(order, { model: { m: '1' } })
  await again.report(order, { output, metrics })

  assert.deepEqual(live, [{ ...point('loss', 3, 0), trial: 0, attempt: 1 }])
  assert.deepEqual(afterCrash, live)
  const ended = await said(again, job!.jobId)
  assert.deepEqual(
    ended.map(one => one.value),
    [3, 2],
  )
  const [row] = (await again.job(job!.jobId)).models
  assert.equal(row?.run?.metricHistory, metrics.digest)
  assert.deepEqual(row?.metrics, { loss: 2 })
})

test('the last value of each key is a metric of the run; metrics.json stands before it', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const points = [point('loss', 3, 0), point('loss', 1, 9), point('loss', 2, 5)]
  const text = textOf([...points, point('accuracy', 0.1, 1), point('accuracy', 0.2, 1)])
  await say(server, order, 0, `${text}{"key": "half`)

  await server.endTrial(order, { 'metrics.json': '{"accuracy": 0.5, "test": 1}' })

  const [row] = (await server.job(job!.jobId)).models
  assert.deepEqual(row?.metrics, { loss: 1, accuracy: 0.5, test: 1 })
})

test('what a failed trial had said is kept and counts, so that it can be looked into', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  await say(server, order, 0, textOf([point('loss', 9, 4)]))
  await server.report(order, { state: 'failed', exit: 1 })

  const [row] = (await server.job(job!.jobId)).models
  assert.equal(row?.state, 'JOB_FAILURE')
  assert.deepEqual(row.metrics, { loss: 9 })
  assert.equal((await said(server, job!.jobId)).length, 1)
})

test('whoever follows is told each point, and the end', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const first = textOf([point('loss', 2, 0)])
  await say(server, order, 0, first)

  const following = said(server, job!.jobId, '?follow=true')
  await say(server, order, first.length, textOf([point('loss', 1, 1)]))
  await server.endTrial(order, {})

  assert.deepEqual(
    (await following).map(one => one.value),
    [2, 1],
  )
})

test('a worker that writes nonsense does no harm', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const odd =
    '7\nnull\n{"key": 1}\n{"key":"a","value":"b","step":0}\n{"key":"__proto__","value":1,"step":0}\n'
  await say(server, order, 0, odd)
  await server.endTrial(order, {})

  const [row] = (await server.job(job!.jobId)).models
  assert.deepEqual(Object.entries(row!.metrics), [['__proto__', 1]])
})

test('the log, the metrics and the measurements of one trial of a grid can be asked for', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining({ hyperparams: { n: [1, 2] } })
  await server.build()
  for (const n of [1, 2]) {
    const order = await server.claimed()
    await say(server, order, 0, textOf([point('n', n, 0)]))
    await server.endTrial(order, {}, `trained ${n}\n`)
  }

  const logs = `/workspaces/mnist/jobs/${job!.jobId}/logs`
  const log = await server.call('GET', `${logs}?trial=1`)
  const beyond = await server.call('GET', `${logs}?trial=2`)

  assert.equal(log.body, 'trained 2\n')
  assert.equal(beyond.body, '')
  assert.deepEqual(
    (await said(server, job!.jobId, '?trial=1')).map(({ value }) => value),
    [2],
  )
})

test('whoever follows a grid is told of all trials as they run, not one after the other', async t => {
  const server = await openScripted(t)
  const request = { hyperparams: { n: [1, 2] }, parallelism: 2 }
  const { job } = await server.firstTraining(request)
  await server.build()
  const [first, second] = [await server.claimed(), await server.claimed()]
  const base = await server.test.app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(
    `${base}/api/v1/workspaces/mnist/jobs/${job!.jobId}/metrics?follow=true`,
  )
  const lines = answer.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()

  await say(server, second, 0, textOf([point('n', 2, 0)]))
  const live = await lines.next()
  await say(server, first, 0, textOf([point('n', 1, 0)]))
  for (const order of [first, second]) await server.endTrial(order, {})
  let rest = ''
  for (let next = await lines.next(); !next.done; next = await lines.next()) rest += next.value

  assert.equal((JSON.parse(String(live.value)) as MetricLine).trial, 1)
  assert.equal((JSON.parse(rest) as MetricLine).trial, 0)
})
