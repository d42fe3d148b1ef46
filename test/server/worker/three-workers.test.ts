import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkOrder } from '../../../api/attempts.ts'
import type { QueueView } from '../../../api/wire.ts'
import { DATA, type Scripted, SOURCE } from '../jobs/scripted.ts'
import { openTwo } from '../two-servers.ts'
import { type Enrolled, enrol, workerWith } from './workers.ts'

/** A grid of a workspace of its own, its image built at that server. */
async function grid(server: Scripted, ws: string, count: number, resources: object = {}) {
  await server.workspace(ws)
  const source = await server.bundle('train-source', `code-${ws}`, SOURCE, ws)
  const data = await server.bundle('data', 'features', DATA, ws)
  const hyperparams = { n: Array.from({ length: count }, (_, index) => index) }
  const request = { source: source.id, data: data.id, hyperparams, parallelism: count, resources }
  const { job } = await server.train(request, ws)
  await server.build()
  return job!.jobId
}

/** Until the server has read what the other one wrote. */
async function knowing(server: Scripted, ready: number): Promise<void> {
  const waiting = async () => (await server.ask<QueueView>('GET', '/queue')).ready.length
  while ((await waiting()) !== ready) await sleep(20)
}

test('three workers at two servers take turns between workspaces, and labels find their worker', async t => {
  const [one, other] = await openTwo(t)
  const first = await enrol(one, 'first')
  const second = workerWith(other, 'second', (await enrol(one, 'second')).token)
  const third = workerWith(other, 'third', (await enrol(one, 'third')).token, {
    labels: ['gpu'],
    gpus: 1,
  })
  for (const worker of [first, second, third]) await worker.claim([])
  while (
    !(
      await one.ask<{ workers: { name: string; state: string }[] }>('GET', '/admin/workers')
    ).workers.some(({ name, state }) => name === 'third' && state === 'ready')
  )
    await sleep(20)
  const jobs = {
    a: await grid(one, 'a', 4),
    b: await grid(one, 'b', 4),
    gpu: await grid(one, 'c', 2, { gpu: 1, labels: ['gpu'] }),
  }
  await knowing(other, 10)

  const taken: [string, WorkOrder][] = []
  const take = async (name: string, worker: Enrolled) => {
    const order = await worker.claim()
    if (order) taken.push([name, order])
    return order
  }
  for (let turn = 0; turn < 5; turn++) {
    for (const [name, worker] of Object.entries({ first, second, third })) {
      await take(name, worker)
      // What one server gave out the other has to read.
      await knowing(one, 10 - taken.length)
      await knowing(other, 10 - taken.length)
    }
  }
  const gpuOrder = taken.find(([, { job }]) => job === jobs.gpu)![1]
  const waiting = third.claim(['trial'], 30_000)
  await one.endTrial(gpuOrder, {})
  const last = await waiting

  const byJob = (job: string) => taken.filter(([, order]) => order.job === job)
  assert.equal(new Set(taken.map(([, { attempt }]) => attempt)).size, taken.length)
  assert.deepEqual([byJob(jobs.a).length, byJob(jobs.b).length], [4, 4])
  assert.ok(byJob(jobs.gpu).every(([name]) => name === 'third'))
  assert.equal(last?.job, jobs.gpu)
  const fair = taken.flatMap(([, { job }]) => (job === jobs.gpu ? [] : [job]))
  for (let pair = 0; pair < 8; pair += 2) assert.notEqual(fair[pair], fair[pair + 1])
})

test('what an administrator says of a worker at one server holds at the other', async t => {
  const [one, other] = await openTwo(t)
  const { token } = await enrol(one, 'gpu1')
  const there = workerWith(other, 'gpu1', token)
  await grid(one, 'a', 2)
  await knowing(other, 2)

  await one.ask('POST', '/admin/workers/gpu1/drain', {})
  while (!other.test.jobs!.board.workers.names().some(({ drained }) => drained)) await sleep(20)
  const none = await there.claim()
  await one.ask('POST', '/admin/workers/gpu1/retire', {})
  const refused = await there.call()

  assert.equal(none, undefined)
  assert.equal(refused.statusCode, 401)
})
