import assert from 'node:assert/strict'
import test from 'node:test'
import { FRAMES_TYPE } from '../../../api/transfer/protocol.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'

async function atTrial(server: Scripted): Promise<string> {
  const { job } = await server.firstTraining()
  await server.build()
  return job!.jobId
}

test('the same report twice is answered alike and has one outcome', async t => {
  const server = await openScripted(t)
  const job = await atTrial(server)
  const order = await server.claimed()
  const output = await server.sendTree(order, { model: { m: '1' } })

  const answers = await Promise.all([
    server.report(order, { output }),
    server.report(order, { output }),
  ])
  const later = await server.report(order, { output })
  const other = await server.report(order, { state: 'failed', reason: 'no' })

  assert.deepEqual(
    [...answers, later].map(answer => answer.statusCode),
    [200, 200, 200],
  )
  assert.equal(other.json().code, 'ATTEMPT_STALE')
  const { models } = await server.ask<{ models: unknown[] }>('GET', '/workspaces/mnist/models')
  assert.equal(models.length, 1)
  assert.equal((await server.job(job)).job.state, 'JOB_SUCCESS')
})

test('an ended attempt can do nothing any more', async t => {
  const server = await openScripted(t)
  await atTrial(server)
  const order = await server.trial()

  const answers = [
    await server.renew(order, 'running'),
    await server.writeLog(order, 0, 'late'),
    await server.workerCall(`${order.attempt}/objects`, Buffer.alloc(0), order.token, FRAMES_TYPE),
    await server.workerCall(
      `${order.attempt}/have`,
      Buffer.alloc(32),
      order.token,
      'application/octet-stream',
    ),
  ]

  assert.deepEqual(
    answers.map(answer => `${answer.statusCode} ${answer.json().code}`),
    Array(4).fill('409 ATTEMPT_STALE'),
  )
})

test('the token of one attempt does not speak for another, nor for a user', async t => {
  const server = await openScripted(t)
  await server.firstTraining({ hyperparams: { a: [1, 2] }, parallelism: 2 })
  await server.build()
  const one = await server.claimed()
  const two = await server.claimed()

  const other = await server.renew({ ...one, token: two.token }, 'running')
  const headers = { authorization: `Bearer ${one.token}` }
  const list = await server.call('GET', '/workspaces/mnist/train', undefined, headers)

  assert.equal(other.statusCode, 403)
  assert.equal(list.statusCode, 403)
})

test('a lost runner is tried again, and whoever was lost comes too late', async t => {
  const server = await openScripted(t)
  const job = await atTrial(server)
  const first = await server.claimed()
  await server.writeLog(first, 0, 'one\n')
  await server.report(first, { state: 'lost', reason: 'the machine went away' })

  const second = await server.claimed()
  const late = await server.report(first, { state: 'failed', reason: 'late' })
  await server.endTrial(second, {}, 'two\n')

  assert.deepEqual([first.number, second.number], [1, 2])
  assert.notEqual(first.attempt, second.attempt)
  assert.equal(late.json().code, 'ATTEMPT_STALE')
  const view = await server.job(job)
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.attempts, 2)
  assert.equal(await server.log(job), 'one\n==> attempt 2 <==\ntwo\n')
})

test('after three lost attempts the job fails with reason RUNNER_LOST', async t => {
  const server = await openScripted(t)
  const job = await atTrial(server)

  for (let number = 1; number <= 3; number++) {
    await server.report(await server.claimed(), { state: 'lost', reason: 'no engine' })
  }

  assert.equal(await server.claim(), undefined)
  const { job: row } = await server.job(job)
  assert.equal(row.state, 'JOB_FAILURE')
  assert.equal(row.reason, 'RUNNER_LOST: no engine, 3 times')
})

test('a lease that nobody renews runs out, and the work is offered again', async t => {
  const server = await openScripted(t, { settings: { leaseMs: 150 } })
  const job = await atTrial(server)
  const first = await server.claimed()

  const second = await server.claimed(['trial'], 20_000)
  const stale = await server.renew(first, 'running')

  assert.equal(second.number, 2)
  assert.equal(stale.json().code, 'ATTEMPT_STALE')
  assert.equal((await server.job(job)).attempts, 2)
})

test('a moved clock takes no lease away', async t => {
  const server = await openScripted(t)
  await atTrial(server)
  const order = await server.claimed()

  server.test.clock.now += 3600_000
  const lease = await server.renew(order, 'running')

  assert.equal(lease.statusCode, 200)
  assert.equal(await server.claim(['trial'], 50), undefined)
})

test('a killed job whose worker is lost is killed, not tried again', async t => {
  const server = await openScripted(t)
  const job = await atTrial(server)
  const order = await server.claimed()
  await server.ask('POST', `/workspaces/mnist/jobs/${job}/kill`, {})

  await server.report(order, { state: 'lost' })

  assert.equal((await server.job(job)).job.state, 'JOB_KILLED')
  assert.equal(await server.claim(), undefined)
})

test('a report whose bytes did not come, or that lacks what it must have, changes nothing', async t => {
  const server = await openScripted(t)
  const job = await atTrial(server)
  const order = await server.claimed()
  const missing = `sha256:${'0'.repeat(64)}` as const
  const log = await server.sendFile(order, 'trained\n')

  const answers = [
    await server.report(order, { output: missing }),
    await server.report(order, { state: 'failed', log: { digest: missing, size: 1 } }),
    await server.report(order, {}),
    await server.report(order, { state: 'failed', log: { ...log, size: 1 } }),
  ]
  await server.endTrial(order, {})

  const messages = answers.map(answer => answer.json().message)
  assert.match(messages[0], /was not sent/)
  assert.match(messages[1], /was not sent/)
  assert.match(messages[2], /must report its output/)
  assert.match(messages[3], /the log has 8 bytes, not 1/)
  assert.ok(answers.every(answer => answer.statusCode < 500))
  assert.equal((await server.job(job)).job.state, 'JOB_SUCCESS')
})

test('a build must report an image that holds the program of its order', async t => {
  const server = await openScripted(t)
  await server.firstTraining()
  const order = await server.claimed(['build'])
  const tree = await server.sendTree(order, { 'environment.json': '{}' })

  const without = await server.report(order, {})
  const image = { name: 'x', kind: 'environment' as const, tree, program: tree, labels: {} }
  const other = await server.report(order, { image })

  assert.equal(without.json().code, 'BAD_REQUEST')
  assert.match(other.json().message, /another program/)
})

test('a log is taken from exactly where it ended; repeats are fine and gaps are not', async t => {
  const server = await openScripted(t)
  const job = await atTrial(server)
  const order = await server.claimed()

  const first = (await server.writeLog(order, 0, 'hello ')).json()
  const repeat = (await server.writeLog(order, 0, 'hello wor')).json()
  const old = (await server.writeLog(order, 0, 'hel')).json()
  const gap = await server.writeLog(order, 20, 'x')
  const rest = (await server.writeLog(order, 9, 'ld\n')).json()

  assert.deepEqual([first.offset, repeat.offset, old.offset, rest.offset], [6, 9, 9, 12])
  assert.equal(gap.statusCode, 409)
  assert.deepEqual([gap.json().code, gap.json().data.offset], ['CONFLICT', 9])
  assert.equal(await server.log(job), 'hello world\n')
})

test('a failure without a stored log keeps what was written until then', async t => {
  const server = await openScripted(t)
  const job = await atTrial(server)
  const order = await server.claimed()
  await server.writeLog(order, 0, 'Traceback\n')

  await server.report(order, { state: 'failed', outOfMemory: true, exit: 137 })

  const { job: row } = await server.job(job)
  assert.match(row.reason ?? '', /more memory than it was given; give it more with --memory/)
  assert.equal(await server.log(job), 'Traceback\n')
})

test('a claim waits for work, and goes home without any when its time is over', async t => {
  const server = await openScripted(t)

  const waiting = server.claim(['build'], 20_000)
  const { build } = await server.firstTraining()
  const order = await waiting
  const none = await server.claim(['build'], 10)

  assert.equal(order?.job, build?.jobId)
  assert.equal(none, undefined)
})

test('a worker is given only the kinds of work it has room for', async t => {
  const server = await openScripted(t)
  await server.firstTraining()

  const service = await server.claim(['service'])
  const trial = await server.claim(['trial'])
  const build = await server.claim(['service', 'build'])

  assert.equal(service, undefined)
  assert.equal(trial, undefined)
  assert.equal(build?.work.kind, 'build')
})
