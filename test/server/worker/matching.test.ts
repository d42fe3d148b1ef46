import assert from 'node:assert/strict'
import test from 'node:test'
import type { QueueView, TrainAccepted } from '../../../api/wire.ts'
import { DATA, openScripted, type Scripted, SERVE, SOURCE } from '../jobs/scripted.ts'
import { enrol, GIB } from './workers.ts'

const ALONE = { settings: { worker: false } }
const queue = (server: Scripted): Promise<QueueView> => server.ask('GET', '/queue')

/** A training that asks for this, its image built; several trials where `count` says so. */
async function waiting(server: Scripted, resources: object, count = 1): Promise<TrainAccepted> {
  const source = await server.bundle('train-source', 'mnist', SOURCE)
  const data = await server.bundle('data', 'features', DATA)
  const hyperparams = { n: Array.from({ length: count }, (_, index) => index) }
  const grid = count > 1 ? { hyperparams, parallelism: count } : {}
  const again = { source: source.id, data: data.id, resources, again: true, ...grid }
  const accepted = await server.train(again)
  const build = await server.claim(['build'])
  if (build) await server.endBuild(build)
  return accepted
}

test('a job with a label goes to a worker that carries it, and to no other', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const plain = await enrol(server, 'plain')
  const able = await enrol(server, 'able', { labels: ['gpu', 'bigmem'] })
  await Promise.all([plain.claim([]), able.claim([])])
  const { job } = await waiting(server, { labels: ['bigmem'] })

  const none = await plain.claim()
  const order = await able.claim()

  assert.equal(none, undefined)
  assert.equal(order?.job, job?.jobId)
})

test('a label that no worker carries is refused, and so is what none is large enough for', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const large = await enrol(server, 'large', { gpus: 4, memoryBytes: 64 * GIB })
  await large.claim([])

  const refusals: string[] = []
  for (const resources of [{ labels: ['tpu'] }, { gpu: 8 }, { memoryBytes: 65 * GIB }]) {
    const error: Error = await waiting(server, resources).then(
      () => assert.fail('taken'),
      error => error,
    )
    refusals.push(error.message)
  }

  assert.match(refusals[0]!, /no worker carries label tpu/)
  assert.match(refusals[1]!, /8 GPUs were asked for, but the largest worker \(large\) has 4 GPUs/)
  assert.match(refusals[2]!, /65Gi of memory .* \(large\) has 64Gi/)
})

test('GPUs that running jobs have are not promised again, and the queue says who lacks them', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const worker = await enrol(server, 'gpu1', { gpus: 4 })
  await worker.claim([])
  await waiting(server, { gpu: 3 }, 2)

  const first = await worker.claim()
  const second = await worker.claim()
  const shown = await queue(server)
  const later = worker.claim(['trial'], 30_000)
  await server.endTrial(first!, {})

  assert.equal(second, undefined)
  assert.equal(shown.ready[0]?.reason, '3 free GPUs (gpu1 has 1 of 4)')
  assert.ok(await later, 'who waits gets it as soon as the first has ended')
})

test('a cluster is given what it has no room for yet: it lets jobs wait itself', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const cluster = await enrol(server, 'cluster', { gpus: 0, cpus: 0, schedules: true })
  await cluster.claim([])
  await waiting(server, { gpu: 8, cpu: 64 }, 2)

  const first = await cluster.claim()
  const second = await cluster.claim()

  assert.ok(first && second)
})

test('memory and cores are added up as well, also those of services', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const worker = await enrol(server, 'w', { cpus: 4, memoryBytes: 8 * GIB })
  await worker.claim([])
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  await server.ask('POST', '/workspaces/mnist/serve', {
    source: source.id,
    resources: { cpu: 3 },
  })
  await server.build()
  await waiting(server, { cpu: 2 })

  const service = await worker.claim(['service'])
  const none = await worker.claim()
  const shown = await queue(server)
  await server.report(service!, { state: 'failed', reason: 'over' })
  const order = await worker.claim()

  assert.equal(none, undefined)
  assert.equal(shown.ready[0]?.reason, '2 free cores (w has 1 of 4)')
  assert.ok(order)
})

test('where no worker is connected a job waits, and both its answer and the queue say so', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()

  const { warnings } = await waiting(server, { gpu: 1 })
  const shown = await queue(server)

  assert.ok(warnings.some(text => text.startsWith('no worker is connected')))
  assert.equal(shown.ready[0]?.reason, 'a worker: none is connected')
})

test('a job for a worker that is away is taken, and waits for it', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const gpu = await enrol(server, 'gpu1', { gpus: 1 })
  const plain = await enrol(server, 'plain')
  await gpu.claim([])
  server.test.clock.now += 5 * 60_000
  await plain.claim([])

  const { warnings } = await waiting(server, { gpu: 1 })
  const shown = await queue(server)

  assert.match(warnings.join(), /it waits for worker gpu1, which is not heard of since/)
  assert.match(shown.ready[0]!.reason, /with 1 GPU; gpu1 is not heard of since/)
})

test('images of processes are for workers that run processes', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  const { token } = await enrol(server, 'docker1')
  const about = {
    ...{ instance: '0123456789abcdef', host: 'h', version: '2', engine: 'Docker', slots: 1 },
    ...{ labels: [], cpus: 4, memoryBytes: 8 * GIB, gpus: 0 },
  }
  await waiting(server, {})
  const claim = { worker: 'd', runner: 'docker', kinds: ['build', 'trial'], waitMs: 0, about }

  const answer = await server.workerCall('claim', claim, token)
  const shown = await queue(server)

  assert.equal(answer.statusCode, 204)
  assert.equal(shown.ready[0]?.reason, 'a worker that runs processes; none is connected')
})

test('the labels of the last deploy stay until others are asked for', async t => {
  const server = await openScripted(t, ALONE)
  await server.workspace()
  await (await enrol(server, 'able', { labels: ['gpu'] })).claim([])

  const first = await waiting(server, { labels: ['gpu'] })
  const second = await server.train({ again: true, resources: { cpu: 1 } })
  const third = await server.train({ again: true, resources: { labels: [] } })

  assert.deepEqual(first.inputs.resources.labels, ['gpu'])
  assert.deepEqual(second.inputs.resources.labels, ['gpu'])
  assert.deepEqual(third.inputs.resources.labels, [])
})
