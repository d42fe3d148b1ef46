import assert from 'node:assert/strict'
import test from 'node:test'
import type { JobRow } from '../../../api/wire.ts'
import { openScripted, type Scripted } from './scripted.ts'

function kill(server: Scripted, job: string, reason?: string) {
  const body = reason === undefined ? undefined : { reason }
  return server.call('POST', `/workspaces/mnist/jobs/${job}/kill`, body)
}

test('a training that waits for its build is killed at once, and the build goes on', async t => {
  const server = await openScripted(t)
  const { job, build } = await server.firstTraining()

  const killed = (await kill(server, job!.jobId, 'not needed')).json() as JobRow
  await server.build()

  assert.deepEqual([killed.state, killed.reason], ['JOB_KILLED', 'not needed'])
  assert.equal((await server.job(build!.jobId)).job.state, 'JOB_SUCCESS')
  assert.equal(await server.claim(), undefined)
  assert.equal((await server.list()).training[0]?.state, 'JOB_KILLED')
})

test('a trial that nobody has claimed is killed at once', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()

  const killed = (await kill(server, job!.jobId)).json() as JobRow

  assert.equal(killed.state, 'JOB_KILLED')
  assert.equal(await server.claim(), undefined)
})

test('a running trial is asked to stop, and killed when the worker says so', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining({ hyperparams: { a: [1, 2, 3] } })
  await server.build()
  const order = await server.claimed()
  const before = (await server.renew(order, 'running')).json()

  const asked = (await kill(server, job!.jobId, 'too slow')).json() as JobRow
  const twice = await kill(server, job!.jobId)
  const lease = (await server.renew(order, 'running')).json()
  const log = await server.sendFile(order, 'half\n')
  await server.report(order, { state: 'stopped', log })
  const late = await kill(server, job!.jobId)

  assert.equal(before.stop, false)
  assert.deepEqual([asked.state, asked.reason], ['JOB_RUNNING', 'it is being stopped'])
  assert.equal(twice.statusCode, 200)
  assert.equal(lease.stop, true)
  const { job: row } = await server.job(job!.jobId)
  assert.deepEqual([row.state, row.reason], ['JOB_KILLED', 'too slow'])
  assert.match(await server.log(job!.jobId), /half\n/)
  assert.equal(late.statusCode, 409)
  assert.equal(late.json().message, `Job is not running, id: ${job!.jobId}`)
  assert.equal(await server.claim(), undefined)
})

test('a build is killed, claimed or not, and what waits for it fails with the reason', async t => {
  const server = await openScripted(t)
  const first = await server.firstTraining()
  const unclaimed = (await kill(server, first.build!.jobId)).json() as JobRow
  const second = await server.train({ again: true })
  const order = await server.claimed(['build'])

  await kill(server, second.build!.jobId)
  const lease = (await server.renew(order, 'running')).json()
  await server.report(order, { state: 'stopped' })

  assert.equal(unclaimed.state, 'JOB_KILLED')
  assert.equal(lease.stop, true)
  const { building, training } = await server.list()
  assert.deepEqual(
    building.map(job => job.state),
    ['JOB_KILLED', 'JOB_KILLED'],
  )
  assert.deepEqual(
    training.map(job => job.state),
    ['JOB_FAILURE', 'JOB_FAILURE'],
  )
  assert.match(training[0]?.reason ?? '', new RegExp(`build job ${order.job} was killed`))
})
