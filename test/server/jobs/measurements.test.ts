import assert from 'node:assert/strict'
import test from 'node:test'
import type { WorkOrder } from '../../../api/attempts.ts'
import type { MeasurementLine } from '../../../api/wire.ts'
import { openScripted, type Scripted } from './scripted.ts'

const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`
const sample = (second: number) => ({ at: at(second), cpuSeconds: second, memoryBytes: 1000 })
const textOf = (samples: readonly object[]) =>
  samples.map(one => `${JSON.stringify(one)}\n`).join('')

function measure(server: Scripted, order: WorkOrder, offset: number, text: string) {
  const url = `${order.attempt}/measurements?offset=${offset}`
  return server.workerCall(url, Buffer.from(text), order.token, 'application/octet-stream')
}

async function measured(server: Scripted, job: string, query = ''): Promise<MeasurementLine[]> {
  const answer = await server.call('GET', `/workspaces/mnist/jobs/${job}/measurements${query}`)
  assert.equal(answer.statusCode, 200, answer.body)
  const lines = answer.body.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as MeasurementLine)
}

test('what a trial used is there while it runs, after a crash, and for ever after it ended', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const text = textOf([sample(1), sample(2)])
  await measure(server, order, 0, text)

  const live = await measured(server, job!.jobId)
  const again = await server.restart()
  const afterCrash = await measured(again, job!.jobId)
  const measurements = await again.sendFile(order, text + textOf([sample(3)]))
  const output = await again.sendTree(order, { model: { m: '1' } })
  await again.report(order, { output, measurements, usage: sample(3) })

  const expected = [1, 2].map(second => ({ ...sample(second), trial: 0, attempt: 1 }))
  assert.deepEqual(live, expected)
  assert.deepEqual(afterCrash, expected)
  const ended = await measured(again, job!.jobId)
  assert.deepEqual(
    ended.map(one => one.cpuSeconds),
    [1, 2, 3],
  )
  const [row] = (await again.job(job!.jobId)).models
  assert.equal(row?.run?.measurements, measurements.digest)
  assert.deepEqual(row?.run?.usage, sample(3))
  const trial = await again.test.parts.ledger.node(row!.trial)
  assert.equal(trial?.attributes.measurements, measurements.digest)
})

test('what a lost worker had measured is kept, apart from what the next attempt measures', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const first = await server.claimed()
  await measure(server, first, 0, textOf([sample(1)]))
  await server.report(first, { state: 'lost', reason: 'the machine went away' })
  const second = await server.claimed()
  await measure(server, second, 0, textOf([sample(5)]))
  await server.endTrial(second, {})

  const lines = await measured(server, job!.jobId)

  assert.deepEqual(
    lines.map(one => [one.attempt, one.cpuSeconds]),
    [
      [1, 1],
      [2, 5],
    ],
  )
})

test('each trial of a grid has its own, and one can be asked for', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining({ hyperparams: { n: [1, 2] } })
  await server.build()
  for (const second of [1, 2]) {
    const order = await server.claimed()
    await measure(server, order, 0, textOf([sample(second)]))
    await server.endTrial(order, {})
  }

  const all = await measured(server, job!.jobId)
  const one = await measured(server, job!.jobId, '?trial=1')
  const none = await measured(server, job!.jobId, '?trial=7')

  assert.deepEqual(
    all.map(line => line.trial),
    [0, 1],
  )
  assert.deepEqual(one, [all[1]])
  assert.deepEqual(none, [])
})

test('whoever follows is told each sample, and the end', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  await measure(server, order, 0, textOf([sample(1)]))

  const following = measured(server, job!.jobId, '?follow=true')
  await measure(server, order, textOf([sample(1)]).length, textOf([sample(2)]))
  await server.endTrial(order, {})

  assert.deepEqual(
    (await following).map(one => one.cpuSeconds),
    [1, 2],
  )
})

test('half a line, and what is no JSON, is not passed on', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const half = textOf([sample(2)]).slice(0, 20)

  await measure(server, order, 0, `what?\n7\n${textOf([sample(1)])}${half}`)

  assert.deepEqual(
    (await measured(server, job!.jobId)).map(one => one.cpuSeconds),
    [1],
  )
})

test('a report whose file of measurements has another size is refused', async t => {
  const server = await openScripted(t)
  await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const file = await server.sendFile(order, textOf([sample(1)]))

  const answer = await server.report(order, {
    state: 'failed',
    measurements: { ...file, size: file.size + 1 },
  })

  assert.equal(answer.statusCode, 400)
  assert.match(answer.json().message, /the file of measurements has \d+ bytes, not \d+/)
})
