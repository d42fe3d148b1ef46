import assert from 'node:assert/strict'
import test from 'node:test'
import type { JobArtifacts } from '../../../api/wire.ts'
import { openScripted, type Scripted } from './scripted.ts'

async function withScores(server: Scripted, scores: readonly unknown[]): Promise<string> {
  const grid = { n: scores.map((_, index) => index) }
  const { job } = await server.firstTraining({ hyperparams: grid })
  await server.build()
  for (const score of scores) await server.trial(score === undefined ? {} : { score })
  return job!.jobId
}

test('scores sort as numbers, the best first, and what has none comes last', async t => {
  const server = await openScripted(t)
  const id = await withScores(server, [9, 10, 'high', undefined, -1])

  const max = await server.job(id, '?sortBy=score')
  const min = await server.job(id, '?sortBy=score&objective=min')
  const plain = await server.job(id)

  assert.deepEqual(
    max.models.map(model => model.score),
    [10, 9, -1, null, null],
  )
  assert.deepEqual(
    min.models.map(model => model.score),
    [-1, 9, 10, null, null],
  )
  assert.deepEqual(
    plain.models.map(model => model.hyperparams?.values.n),
    [0, 1, 2, 3, 4],
  )
})

test('an unknown metric is refused with the names of those there are', async t => {
  const server = await openScripted(t)
  const id = await withScores(server, [1])

  const answer = await server.call('GET', `/workspaces/mnist/jobs/${id}?sortBy=loss`)

  assert.equal(answer.statusCode, 404)
  assert.equal(answer.json().code, 'METRIC_NOT_FOUND')
  assert.match(answer.json().message, /no metric "loss"; available: score/)
})

test('pages hold ten trials, and there is none beyond the last', async t => {
  const server = await openScripted(t)
  const id = await withScores(server, Array(10).fill(1))

  const first = await server.job(id, '?page=0')
  const beyond = await server.call('GET', `/workspaces/mnist/jobs/${id}?page=1`)
  const before = await server.call('GET', `/workspaces/mnist/jobs/${id}?page=-1`)

  assert.equal(first.pageCount, 1)
  assert.equal(first.models.length, 10)
  assert.deepEqual([beyond.statusCode, beyond.json().code], [400, 'PAGE_ERROR'])
  assert.deepEqual([before.statusCode, before.json().code], [400, 'PAGE_ERROR'])
})

test('a job is found by its id, by a beginning that only it has, and as the latest', async t => {
  const server = await openScripted(t)
  const first = await server.firstTraining()
  const second = await server.train({ again: true })
  const [a, b] = [first.job!.jobId, second.job!.jobId]
  let common = 0
  while (a[common] === b[common]) common++

  const unique = await server.job(b.slice(0, common + 1))
  const latest = await server.job('@latest')
  const several = await server.call('GET', `/workspaces/mnist/jobs/${a.slice(0, 4)}`)
  const short = await server.call('GET', `/workspaces/mnist/jobs/${a.slice(0, 3)}`)
  const unknown = await server.call('GET', `/workspaces/mnist/jobs/${'0'.repeat(32)}`)

  assert.equal(unique.job.jobId, b)
  assert.equal(latest.job.jobId, b)
  assert.equal(several.json().code, 'AMBIGUOUS')
  assert.ok(several.json().data.candidates.includes(a))
  assert.equal(short.json().code, 'JOB_NOT_FOUND')
  assert.equal(unknown.json().message, `There is no job with id: ${'0'.repeat(32)}`)
})

test('a job of one workspace does not exist in another', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.workspace('other')

  const answer = await server.call('GET', `/workspaces/other/jobs/${job!.jobId}`)

  assert.equal(answer.statusCode, 404)
  assert.deepEqual(await server.ask<object>('GET', '/workspaces/other/train'), {
    ingesting: [],
    building: [],
    training: [],
    replaying: [],
  })
})

test('states follow the phases of the trial', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  const states: string[] = []
  const look = async () => states.push((await server.job(job!.jobId)).job.state)

  for (const phase of ['preparing', 'running', 'collecting'] as const) {
    await server.renew(order, phase)
    await look()
  }
  await server.endTrial(order, {})
  await look()

  assert.deepEqual(states, ['JOB_STARTING', 'JOB_RUNNING', 'JOB_MERGING', 'JOB_SUCCESS'])
})

test('of a failed job code, data and log can be fetched, and the models made before', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining({ hyperparams: { a: [1, 2] } })
  await server.build()
  const good = await server.trial()
  const bad = await server.claimed()
  const log = await server.sendFile(bad, 'Traceback\n')
  await server.report(bad, { state: 'failed', exit: 1, log })

  const url = `/workspaces/mnist/jobs/${job!.jobId}/artifacts`
  const artifacts = await server.ask<JobArtifacts>('GET', url)
  const view = await server.job(job!.jobId)
  const fetched = await server.call(
    'GET',
    `/workspaces/mnist/entities/${artifacts.models[0]?.artifact.entity}/content`,
  )

  assert.equal(view.job.state, 'JOB_FAILURE')
  assert.equal(view.job.reason, '1 of 2 trials failed; the first: it ended with exit code 1')
  assert.deepEqual(
    view.models.map(model => [model.state, model.modelId !== null]),
    [
      ['JOB_SUCCESS', true],
      ['JOB_FAILURE', false],
    ],
  )
  assert.match(artifacts.code[0]?.name ?? '', /^mnist:[0-9a-f]{5}$/)
  assert.match(artifacts.data[0]?.name ?? '', /^features:[0-9a-f]{5}$/)
  assert.equal(artifacts.models.length, 1)
  assert.ok(good.work.kind === 'trial')
  assert.equal(artifacts.models[0]?.artifact.name, good.work.output)
  assert.equal(artifacts.models[0]?.hyper?.file, 'a=1.json')
  assert.equal(fetched.statusCode, 200)
})

test('the log of several trials says which is which', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining({ hyperparams: { a: [1, 2] } })
  await server.build()
  await server.trial({}, 'one')
  await server.trial({}, 'two\n')

  const log = await server.log(job!.jobId)

  assert.equal(log, '==> trial a=1 <==\none\n==> trial a=2 <==\ntwo\n')
})

test('a log that is followed begins before the build is done and ends with the job', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  const base = await server.test.listen()

  const url = `${base}/api/v1/workspaces/mnist/jobs/${job!.jobId}/logs?follow=true`
  const answer = await fetch(url)
  const text = answer.text()
  await server.build()
  const order = await server.claimed()
  await server.writeLog(order, 0, 'first\n')
  await server.writeLog(order, 6, 'second\n')
  await server.endTrial(order, {}, 'first\nsecond\nlast\n')

  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.equal(await text, 'first\nsecond\nlast\n')
})

test('the log of a running trial is what was acknowledged so far', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()
  await server.writeLog(order, 0, 'so far\n')

  assert.equal(await server.log(job!.jobId), 'so far\n')
})

test('a workspace that is killed ends its jobs, and its name begins anew', async t => {
  const server = await openScripted(t)
  const { build } = await server.firstTraining()
  const order = await server.claimed(['build'])

  await server.ask('DELETE', '/workspaces/mnist')
  const lease = (await server.renew(order, 'running')).json()
  const report = await server.report(order, { state: 'stopped' })
  await server.workspace()

  assert.equal(lease.stop, true)
  assert.equal(report.statusCode, 200)
  assert.deepEqual((await server.list()).training, [])
  assert.equal((await server.call('GET', `/workspaces/mnist/jobs/${build!.jobId}`)).statusCode, 404)
})

test('a workspace names its pipelines and repositories as they come to be', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const empty = await server.ask<object>('GET', '/workspaces/mnist')
  await server.ask('DELETE', '/workspaces/mnist')
  await server.firstTraining({ hyperparams: { a: [1] } })
  await server.build()
  await server.trial()

  const full = await server.ask<object>('GET', '/workspaces/mnist')

  t.assert.partialDeepStrictEqual(empty, { pipelines: [], repos: [] })
  t.assert.partialDeepStrictEqual(full, {
    pipelines: ['build-train-mnist', 'train-mnist'],
    repos: ['source-train-mnist', 'build-train-mnist', 'data-mnist', 'hyper-mnist', 'train-mnist'],
  })
})
