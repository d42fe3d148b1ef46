import assert from 'node:assert/strict'
import test from 'node:test'
import type { RetryAccepted, TrainAccepted } from '../../../api/wire.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'

/** A grid of three, the second of which failed. */
async function halfDone(t: test.TestContext): Promise<{ server: Scripted; first: TrainAccepted }> {
  const server = await openScripted(t)
  const request = { hyperparamsText: '{"lr": [1.0, 2.0, 3e0]}', parallelism: 3 }
  const first = await server.firstTraining(request)
  await server.build()
  const orders = [await server.claimed(), await server.claimed(), await server.claimed()]
  for (const [at, order] of orders.entries()) {
    if (at === 1) await server.report(order, { state: 'failed', exit: 1 })
    else await server.endTrial(order, { 'metrics.json': `{"accuracy": 0.${at}}` })
  }
  return { server, first }
}

const retry = (server: Scripted, job: string, body: object = {}) =>
  server.ask<RetryAccepted>('POST', `/workspaces/mnist/train/${job}/retry`, body)

test('failed trials alone run again, in a job that was informed by the old one', async t => {
  const { server, first } = await halfDone(t)
  const old = first.job!.jobId
  const before = await server.job(old)

  const accepted = await retry(server, old, { failed: true })
  const order = await server.claimed()
  const hyper = order.work.kind === 'trial' ? order.work.hyper : undefined
  await server.endTrial(order, { 'metrics.json': '{"accuracy": 0.5}' })

  assert.equal(await server.claim(), undefined, 'one trial, and no build')
  assert.deepEqual([accepted.of, accepted.trials, accepted.kept], [old, [1], 2])
  assert.deepEqual([hyper?.values, hyper?.text], [{ lr: 2 }, '{"lr":2.0}'])
  const view = await server.job(accepted.job.jobId)
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.from, old)
  assert.equal(view.retry?.of, old)
  assert.deepEqual(
    view.retry?.kept,
    before.models.flatMap(one => one.modelId ?? []),
  )
  assert.deepEqual(view.models[0]?.hyperparams?.values, { lr: 2 })
  assert.deepEqual(await server.job(old), before, 'what has finished stays as it is')
})

test('a retry may have other resources, and its failures may be tried again', async t => {
  const { server, first } = await halfDone(t)
  const once = await retry(server, first.job!.jobId, { resources: { memoryBytes: 1000 } })
  const order = await server.claimed()
  assert.deepEqual(order.work.kind === 'trial' && order.work.resources, { memoryBytes: 1000 })
  await server.report(order, { state: 'failed', exit: 1 })

  const twice = await retry(server, once.job.jobId)
  const again = await server.claimed()

  assert.deepEqual([twice.of, twice.trials, twice.kept], [once.job.jobId, [1], 0])
  assert.deepEqual(again.work.kind === 'trial' && again.work.hyper?.values, { lr: 2 })
})

test('what was killed or never began is run as well, unless only failures are asked for', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining({ hyperparams: { n: [1, 2, 3] } })
  await server.build()
  const order = await server.claimed()
  await server.ask('POST', `/workspaces/mnist/jobs/${job!.jobId}/kill`, {})
  await server.report(order, { state: 'stopped' })

  const url = `/workspaces/mnist/train/${job!.jobId}/retry`
  const none = await server.call('POST', url, { failed: true })
  const all = await retry(server, job!.jobId)

  assert.equal(none.statusCode, 400)
  assert.match(none.json().message, /has no trial that failed; to train anew: kaos train deploy/)
  assert.deepEqual(all.trials, [0, 1, 2])
})

test('a job without failures, or that still runs, is refused with the next step', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  const url = `/workspaces/mnist/train/${job!.jobId}/retry`
  const early = await server.call('POST', url, {})
  await server.build()
  await server.trial()

  const late = await server.call('POST', url, {})

  assert.equal(early.statusCode, 409)
  assert.match(early.json().message, /JOB_STARTING; wait for its end/)
  assert.equal(late.statusCode, 400)
  assert.match(late.json().message, /has no trial without success/)
})

test('the whole grid deployed again is not answered with a part of it', async t => {
  const { server, first } = await halfDone(t)
  await retry(server, first.job!.jobId)
  await server.trial()

  const again = await server.train({ hyperparamsText: '{"lr": [1.0, 2.0, 3e0]}' })

  assert.equal(again.unchanged, false)
})
