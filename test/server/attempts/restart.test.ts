import assert from 'node:assert/strict'
import test from 'node:test'
import type { EndpointView, ServeAccepted } from '../../../api/wire.ts'
import { openScripted, SERVE } from '../jobs/scripted.ts'

test('a training comes through a restart of the server in each of its phases', async t => {
  let server = await openScripted(t)
  const { job, build } = await server.firstTraining({ hyperparams: { a: [1, 2] } })

  server = await server.restart()
  const building = await server.claimed(['build'])
  server = await server.restart()
  const kept = await server.renew(building, 'running')
  await server.endBuild(building)
  server = await server.restart()
  const first = await server.claimed(['trial'])
  await server.renew(first, 'running')
  await server.writeLog(first, 0, 'before\n')
  server = await server.restart()
  const log = await server.writeLog(first, 7, 'after\n')
  await server.endTrial(first, { 'metrics.json': '{"n": 1}' }, 'before\nafter\n')
  server = await server.restart()
  await server.trial({ n: 2 })
  server = await server.restart()

  assert.equal(building.job, build!.jobId)
  assert.equal(kept.statusCode, 200)
  assert.deepEqual(log.json(), { offset: 13 })
  assert.equal(await server.claim(), undefined)
  const view = await server.job(job!.jobId)
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.attempts, 2)
  assert.deepEqual(
    view.models.map(model => model.metrics.n),
    [1, 2],
  )
  assert.match(await server.log(job!.jobId), /before\nafter\n/)
})

test('a kill that waits for its worker comes through a restart', async t => {
  const first = await openScripted(t)
  const { job } = await first.firstTraining()
  await first.build()
  const order = await first.claimed()
  await first.ask('POST', `/workspaces/mnist/jobs/${job!.jobId}/kill`, { reason: 'enough' })

  const second = await first.restart()
  const lease = (await second.renew(order, 'running')).json()
  await second.report(order, { state: 'stopped' })

  assert.equal(lease.stop, true)
  const { job: row } = await second.job(job!.jobId)
  assert.deepEqual([row.state, row.reason], ['JOB_KILLED', 'enough'])
})

test('a report that came before a restart is answered alike after it', async t => {
  const first = await openScripted(t)
  await first.firstTraining()
  await first.build()
  const order = await first.claimed()
  await first.report(order, { state: 'failed', reason: 'no' })

  const second = await first.restart()
  const same = await second.report(order, { state: 'failed', reason: 'no' })
  const other = await second.report(order, { state: 'lost' })

  assert.equal(same.statusCode, 200)
  assert.equal(other.json().code, 'ATTEMPT_STALE')
})

test('work whose worker does not come back after a restart is offered again', async t => {
  const first = await openScripted(t, { settings: { leaseMs: 200 } })
  await first.firstTraining()
  const lost = await first.claimed(['build'])

  const second = await first.restart()
  const again = await second.claimed(['build'], 20_000)

  assert.equal(again.job, lost.job)
  assert.equal(again.number, 2)
})

test('what a crash left between an outcome and its consequences is taken up', async t => {
  const first = await openScripted(t)
  const { job } = await first.firstTraining({ hyperparams: { a: [1, 2] } })
  await first.build()
  const { ledger, people } = first.test.parts
  const ready = await ledger.records('ready/')
  const records = ready.map(({ key }) => ({ key, value: null }))
  await ledger.commit({ actor: people.system.id, organisation: 'default', records })

  const second = await first.restart()
  await second.trial()
  await second.trial()

  assert.equal((await second.job(job!.jobId)).job.state, 'JOB_SUCCESS')
})

test('an endpoint is reachable at once after a restart, and its service goes on', async t => {
  const first = await openScripted(t)
  await first.workspace()
  const source = await first.bundle('serve-source', 'mnist', SERVE)
  const body = { source: source.id }
  const made = await first.ask<ServeAccepted>('POST', '/workspaces/mnist/serve', body)
  const second = await first.restart()
  await second.build()
  const third = await second.restart()
  const order = await third.claimed(['service'])
  const address = { socket: '/run/kaos/1' }
  await third.renew(order, 'serving', { address })

  const fourth = await third.restart()
  const { name } = made.endpoint
  const route = fourth.test.jobs!.route(name)
  const kept = await fourth.renew(order, 'serving', { address })
  await fourth.report(order, { state: 'lost' })
  const fifth = await fourth.restart()
  const again = await fifth.claimed(['service'])

  assert.deepEqual(route?.address, address)
  assert.equal(route?.state, 'PIPELINE_RUNNING')
  assert.equal(kept.statusCode, 200)
  assert.equal(again.number, 2)
  const url = `/workspaces/mnist/serve/endpoints/${name}`
  assert.equal((await fifth.ask<EndpointView>('GET', url)).state, 'PIPELINE_RESTARTING')
})

test('the service of an endpoint that was killed before a restart is told to stop after it', async t => {
  const first = await openScripted(t)
  await first.workspace()
  const source = await first.bundle('serve-source', 'mnist', SERVE)
  const body = { source: source.id }
  const made = await first.ask<ServeAccepted>('POST', '/workspaces/mnist/serve', body)
  await first.build()
  const order = await first.claimed(['service'])
  await first.ask('POST', `/workspaces/mnist/serve/endpoints/${made.endpoint.name}/kill`)

  const second = await first.restart()

  assert.equal((await second.renew(order, 'serving')).json().stop, true)
  assert.equal((await second.report(order, { state: 'stopped' })).statusCode, 200)
})
