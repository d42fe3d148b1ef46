import assert from 'node:assert/strict'
import test from 'node:test'
import type { WorkOrder } from '../../../api/attempts.ts'
import type { QueueView } from '../../../api/wire.ts'
import { DATA, openScripted, type Scripted, SOURCE } from '../jobs/scripted.ts'

/** A training of `count` trials in its workspace, its image built. */
async function waitingGrid(server: Scripted, ws: string, count: number, more: object = {}) {
  const source = await server.bundle('train-source', `code-${ws}`, SOURCE, ws)
  const data = await server.bundle('data', 'features', DATA, ws)
  const hyperparams = { n: Array.from({ length: count }, (_, index) => index) }
  const request = { source: source.id, data: data.id, hyperparams, parallelism: count, ...more }
  const { job } = await server.train(request, ws)
  const build = await server.claim(['build'])
  if (build) await server.endBuild(build)
  return job!.jobId
}

async function twoWorkspaces(server: Scripted): Promise<[first: string, second: string]> {
  await server.workspace('a')
  await server.workspace('b')
  return [await waitingGrid(server, 'a', 3), await waitingGrid(server, 'b', 3)]
}

async function jobsOf(server: Scripted, count: number): Promise<string[]> {
  const orders: WorkOrder[] = []
  for (let turn = 0; turn < count; turn++) orders.push(await server.claimed(['trial']))
  return orders.map(order => order.job)
}

const queue = (server: Scripted): Promise<QueueView> => server.ask('GET', '/queue')

test('workspaces take turns, however much one of them asked for first', async t => {
  const server = await openScripted(t)
  const [a, b] = await twoWorkspaces(server)

  const shown = await queue(server)
  const taken = await jobsOf(server, 6)

  assert.deepEqual(taken, [a, b, a, b, a, b])
  assert.deepEqual(
    shown.ready.map(row => row.jobId),
    taken,
  )
})

test('a paused queue hands nothing out until it goes on, and says why', async t => {
  const server = await openScripted(t)
  const [, b] = await twoWorkspaces(server)

  await server.ask('POST', '/queue/pause', { workspace: 'a', reason: 'too warm' })
  const one = await jobsOf(server, 3)
  const none = await server.claim(['trial'])
  const shown = await queue(server)
  await server.ask('POST', '/queue/pause', {})
  await server.ask('POST', '/queue/resume', { workspace: 'a' })
  const still = await server.claim(['trial'])
  await server.ask('POST', '/queue/resume', {})

  assert.deepEqual(one, [b, b, b])
  assert.equal(none, undefined)
  assert.equal(shown.pauses[0]?.workspace, 'a')
  assert.ok(shown.ready.every(row => row.reason === 'the queue is paused: too warm'))
  assert.equal(still, undefined)
  assert.equal((await jobsOf(server, 3)).length, 3)
})

test('who waits for work gets it as soon as a pause ends', async t => {
  const server = await openScripted(t)
  await server.workspace('a')
  const job = await waitingGrid(server, 'a', 1)
  await server.ask('POST', '/queue/pause', {})
  const claim = server.claim(['trial'], 30_000)

  await server.ask('POST', '/queue/resume', {})

  assert.equal((await claim)?.job, job)
})

test('a moved job goes before or behind all others', async t => {
  const server = await openScripted(t)
  const [a, b] = await twoWorkspaces(server)

  await server.ask('POST', '/queue/move', { workspace: 'b', job: b, to: 'first' })
  const first = await jobsOf(server, 2)
  await server.ask('POST', '/queue/move', { workspace: 'b', job: b, to: 'last' })
  const last = await jobsOf(server, 2)

  assert.deepEqual(first, [b, b])
  assert.deepEqual(last, [a, a])
})

test('a workspace with a limit runs no more trials than that', async t => {
  const server = await openScripted(t)
  await server.workspace('a')
  await waitingGrid(server, 'a', 3)
  await server.ask('POST', '/queue/limit', { workspace: 'a', trials: 1 })

  const order = await server.claimed(['trial'])
  const second = await server.claim(['trial'])
  const shown = await queue(server)
  const waiting = server.claim(['trial'], 30_000)
  await server.endTrial(order, {})

  assert.equal(second, undefined)
  assert.deepEqual(shown.limits, [{ workspace: 'a', trials: 1 }])
  assert.equal(shown.ready[0]?.reason, 'its workspace may run 1 trial at once')
  assert.equal(shown.running[0]?.jobId, order.job)
  assert.ok(await waiting)
})

test('the queue says what each training waits for', async t => {
  const server = await openScripted(t)
  const { job, build } = await server.firstTraining({ hyperparams: { n: [1, 2, 3] } })

  const before = await queue(server)
  await server.build()
  const after = await queue(server)

  assert.deepEqual(
    before.waiting.map(({ jobId, count, reason }) => ({ jobId, count, reason })),
    [{ jobId: job!.jobId, count: 3, reason: `build job ${build?.jobId}` }],
  )
  assert.equal(before.ready[0]?.kind, 'build')
  assert.deepEqual(
    after.ready.map(row => row.kind),
    ['trial'],
  )
  assert.deepEqual(
    after.waiting.map(({ count, reason }) => ({ count, reason })),
    [{ count: 2, reason: 'trials of the same job (1 at once)' }],
  )
})

test('rules hold after a restart, and each was a fact', async t => {
  const server = await openScripted(t)
  const [, b] = await twoWorkspaces(server)
  await server.ask('POST', '/queue/move', { workspace: 'b', job: b, to: 'first' })
  await server.ask('POST', '/queue/limit', { workspace: 'b', trials: 1 })
  await server.ask('POST', '/queue/pause', { workspace: 'a' })

  const again = await server.restart()
  const taken = await jobsOf(again, 1)
  const none = await again.claim(['trial'])
  const log = await again.test.parts.ledger.log(0, 1000)

  assert.deepEqual(taken, [b])
  assert.equal(none, undefined)
  const facts = log.map(entry => (JSON.parse(entry.payload!) as { type: string }).type)
  assert.deepEqual(
    facts.filter(type => type.startsWith('queue.')),
    ['queue.moved', 'queue.limited', 'queue.paused'],
  )
})

test('what makes no sense is refused with what to do', async t => {
  const server = await openScripted(t)
  const [a] = await twoWorkspaces(server)
  const call = async (path: string, body: object) => {
    const answer = await server.call('POST', `/queue/${path}`, body)
    return [answer.statusCode, answer.json().code]
  }

  assert.deepEqual(await call('resume', {}), [409, 'CONFLICT'])
  assert.deepEqual(await call('pause', { workspace: 'none' }), [404, 'WORKSPACE_NOT_FOUND'])
  assert.deepEqual(await call('limit', { workspace: 'a', trials: 0 }), [400, 'BAD_REQUEST'])
  assert.deepEqual(await call('move', { workspace: 'a', job: 'ffff', to: 'first' }), [
    404,
    'JOB_NOT_FOUND',
  ])
  await server.ask('POST', `/workspaces/a/jobs/${a}/kill`)
  assert.deepEqual(await call('move', { workspace: 'a', job: a, to: 'first' }), [
    409,
    'JOB_NOT_RUNNING',
  ])
})

test('a long queue is shown by its first, and counted; who comes late is seen with -w and when moved', async t => {
  const server = await openScripted(t)
  await server.workspace('a')
  await server.workspace('b')
  await waitingGrid(server, 'a', 1024)
  const b = await waitingGrid(server, 'b', 2)

  const all = await queue(server)
  const own = await server.ask<QueueView>('GET', '/queue?workspace=b')
  await server.ask('POST', '/queue/move', { workspace: 'b', job: b, to: 'first' })
  const moved = await queue(server)

  assert.equal(all.ready.length, 200)
  assert.deepEqual(all.counts, { running: 0, ready: 1026, waiting: 0 })
  assert.equal(all.truncated, true)
  assert.deepEqual(
    own.ready.map(row => row.jobId),
    [b, b],
  )
  assert.equal(own.truncated, false)
  assert.deepEqual(
    moved.ready.slice(0, 2).map(row => row.jobId),
    [b, b],
  )
})
