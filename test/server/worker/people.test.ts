import assert from 'node:assert/strict'
import test from 'node:test'
import type { WorkerList } from '../../../api/wire.ts'
import { openScripted } from '../jobs/scripted.ts'
import { enrol, workerRow, workerWith } from './workers.ts'

const ALONE = { settings: { worker: false } }

test('the token of a worker lets it ask for work and nothing else', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const { token } = await enrol(server, 'gpu1')
  const headers = { authorization: `Bearer ${token}` }

  const tried = []
  for (const [method, url] of [
    ['GET', '/workspaces'],
    ['GET', '/queue'],
    ['GET', '/admin/workers'],
    ['POST', '/admin/workers'],
    ['GET', '/workspaces/mnist/train'],
  ] as const) {
    const body = method === 'POST' ? { name: 'other' } : undefined
    tried.push((await server.call(method, url, body, headers)).statusCode)
  }

  assert.deepEqual(tried, [403, 403, 403, 403, 403])
})

test('a worker is listed with what it has, from its token on', async t => {
  const server = await openScripted(t, ALONE)
  const gpu = { index: '0', uuid: 'GPU-1', model: 'NVIDIA H100' }
  const worker = await enrol(server, 'gpu1', { labels: ['gpu'], gpus: 1, devices: [gpu] })

  const before = await workerRow(server, 'gpu1')
  await worker.claim([])
  const heard = await workerRow(server, 'gpu1')
  server.test.clock.now += 2 * 60_000
  const gone = await workerRow(server, 'gpu1')
  server.test.clock.now += 25 * 3600_000
  const forgotten = await workerRow(server, 'gpu1')

  assert.deepEqual([before?.state, before?.lastHeard], ['new', null])
  assert.deepEqual([heard?.state, heard?.host, heard?.gpus], ['ready', 'gpu1.internal', 1])
  assert.deepEqual(heard?.devices, [gpu])
  assert.equal(gone?.state, 'gone')
  assert.deepEqual([forgotten?.state, forgotten?.host], ['new', undefined])
})

test('a drained worker takes nothing new, what it runs goes on, and a restart changes nothing', async t => {
  const server = await openScripted(t, ALONE)
  const worker = await enrol(server, 'gpu1')
  await worker.claim([])
  const { job } = await server.firstTraining({ hyperparams: { n: [1, 2] }, parallelism: 2 })
  await server.build()
  const order = await worker.claim()

  await server.ask('POST', '/admin/workers/gpu1/drain', { reason: 'new driver' })
  const none = await worker.claim()
  const row = await workerRow(server, 'gpu1')
  const renewed = await server.renew(order!, 'running')
  const again = await server.restart()
  const still = await workerWith(again, 'gpu1', worker.token).claim()
  await again.ask('POST', '/admin/workers/gpu1/resume', {})
  const resumed = await workerWith(again, 'gpu1', worker.token).claim()

  assert.deepEqual([none, still], [undefined, undefined])
  assert.deepEqual([row?.state, row?.reason, row?.by], ['drained', 'new driver', 'tester'])
  assert.equal(row?.running, 1)
  assert.equal(renewed.statusCode, 200)
  assert.equal(resumed?.job, job?.jobId)
})

test('who waits for work gets none once its worker is drained', async t => {
  const server = await openScripted(t, ALONE)
  const worker = await enrol(server, 'gpu1')
  await server.firstTraining()
  await server.build()
  await server.ask('POST', '/queue/pause', {})
  const waiting = worker.claim(['trial'], 2000)

  await server.ask('POST', '/admin/workers/gpu1/drain', {})
  await server.ask('POST', '/queue/resume', {})

  assert.equal(await waiting, undefined)
})

test('a retired worker is let in no more, and what it ran is tried again elsewhere', async t => {
  const server = await openScripted(t, ALONE)
  const [bad, good] = [await enrol(server, 'bad'), await enrol(server, 'good')]
  await server.firstTraining()
  await server.build()
  const order = await bad.claim()
  const waiting = bad.call(['trial'], 20_000)

  const answer = await server.ask('POST', '/admin/workers/bad/retire', { reason: 'broken into' })
  const cut = await assert.rejects(waiting).then(() => 'cut')
  const refused = await bad.call()
  const late = await server.report(order!, { state: 'failed', exit: 1 })
  const retried = await good.claim()
  const row = await workerRow(server, 'bad')

  assert.deepEqual(answer, { ended: 1 })
  assert.equal(cut, 'cut')
  assert.equal(refused.statusCode, 401)
  assert.deepEqual([late.statusCode, late.json().code], [409, 'ATTEMPT_STALE'])
  assert.deepEqual([retried?.job, retried?.number], [order?.job, 2])
  assert.deepEqual([row?.state, row?.reason], ['retired', 'broken into'])
})

test('a second token for a name ends the first, and brings a retired worker back', async t => {
  const server = await openScripted(t, ALONE)
  const first = await enrol(server, 'gpu1')
  const second = await enrol(server, 'gpu1')

  const old = await first.call()
  await server.ask('POST', '/admin/workers/gpu1/retire', {})
  const third = await enrol(server, 'gpu1')
  const back = await third.call()

  assert.equal(old.statusCode, 401)
  assert.equal((await second.call()).statusCode, 401)
  assert.equal(back.statusCode, 204)
})

test('a token ends when it was said to, however often it is used', async t => {
  const server = await openScripted(t, ALONE)
  const worker = await enrol(server, 'gpu1', {}, { expiresInSeconds: 3600 })

  const before = await worker.call()
  server.test.clock.now += 3601 * 1000
  const after = await worker.call()

  assert.deepEqual([before.statusCode, after.statusCode], [204, 401])
})

test('names that are no names, or the server’s own worker, are refused', async t => {
  const server = await openScripted(t, ALONE)
  const post = async (url: string, body: object) =>
    (await server.call('POST', url, body)).json().code

  const codes = [
    await post('/admin/workers', { name: 'local' }),
    await post('/admin/workers', { name: '../x' }),
    await post('/admin/workers', { name: 'gpu1', address: 'ftp://x' }),
    await post('/admin/workers', { name: 'gpu1', address: 'https://x/path' }),
    await post('/admin/workers/nobody/drain', {}),
    await post('/admin/workers/nobody/retire', {}),
  ]

  assert.deepEqual(codes, [
    ...['INVALID_NAME', 'INVALID_NAME', 'BAD_REQUEST', 'BAD_REQUEST'],
    ...['WORKER_NOT_FOUND', 'WORKER_NOT_FOUND'],
  ])
  assert.deepEqual(await server.ask<WorkerList>('GET', '/admin/workers'), { workers: [] })
})

test('enrolling, draining and retiring are facts with their actor, and hold no token', async t => {
  const server = await openScripted(t, ALONE)
  const { token } = await enrol(server, 'gpu1')
  await server.ask('POST', '/admin/workers/gpu1/drain', { reason: 'new driver' })
  await server.ask('POST', '/admin/workers/gpu1/drain', { reason: 'again' })
  await server.ask('POST', '/admin/workers/gpu1/resume', {})
  await server.ask('POST', '/admin/workers/gpu1/retire', {})

  const { ledger, people } = server.test.parts
  const log = await ledger.log(0, 1000)
  const all = log.map(({ payload }) => JSON.parse(payload!) as { type: string; actor: string })
  const facts = all.filter(({ type }) => type.startsWith('worker.'))

  assert.deepEqual(
    facts.map(({ type }) => type),
    ['worker.enrolled', 'worker.drained', 'worker.resumed', 'worker.retired'],
  )
  assert.ok(facts.every(({ actor }) => actor === people.local.id))
  assert.ok(!JSON.stringify(facts).includes(token))
})
