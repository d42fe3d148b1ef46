/* The clock of the server is moved an hour each way, and nobody loses what he holds. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { COLLECTING, joinLease, takeLease } from '../../server/care/lease.ts'
import { openScripted } from './jobs/scripted.ts'
import { openTestApp } from './open.ts'

const HOUR_MS = 3_600_000

for (const [way, leapMs] of [
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
] as const) {
  test(`a training keeps its lease and its token when the clock goes an hour ${way}`, async t => {
    const server = await openScripted(t)
    const { job } = await server.firstTraining()
    await server.build()
    const order = await server.claimed(['trial'])
    await server.renew(order, 'running')

    server.test.clock.now += leapMs
    const renewed = await server.renew(order, 'running')
    const written = await server.writeLog(order, 0, 'still here\n')
    await server.endTrial(order, { 'metrics.json': '{"n": 1}' }, 'still here\n')

    assert.deepEqual([renewed.statusCode, written.statusCode], [200, 200])
    const view = await server.job(job!.jobId)
    assert.equal(view.job.state, 'JOB_SUCCESS')
    assert.equal(view.attempts, 1)
    assert.deepEqual(await server.test.parts.ledger.verify(), [])
  })

  test(`a repeated call has one effect when the clock goes an hour ${way} in between`, async t => {
    const { app, parts, clock } = await openTestApp(t)
    const create = () =>
      app.inject({
        method: 'POST',
        url: '/api/v1/workspaces',
        payload: { name: 'once' },
        headers: { 'idempotency-key': '0b1c0e5e-8f0b-4a53-9a0e-2f6f3c5f8a11' },
      })

    const first = await create()
    clock.now += leapMs
    const again = await create()

    assert.deepEqual([first.statusCode, again.statusCode], [201, 201])
    assert.equal(again.headers['idempotency-replayed'], 'true')
    assert.deepEqual(again.json(), first.json())
    assert.equal((await parts.workspaces.list(parts.people.local)).length, 1)
  })

  test(`who collects holds on to its lease when the clock goes an hour ${way}`, async t => {
    const { parts, clock } = await openTestApp(t)
    const options = { ...parts, agent: parts.people.system.id }
    const lease = await takeLease(COLLECTING, options)

    clock.now += leapMs
    await lease.require()

    await assert.rejects(takeLease(COLLECTING, options), { code: 'CONFLICT' })
    await lease.leave()
    await (await joinLease(COLLECTING, lease.holder, options)).release()
    await (await takeLease(COLLECTING, options)).release()
  })

  test(`a token that is valid for a day still is when the clock goes an hour ${way}`, async t => {
    const test = await openTestApp(t, { settings: { local: false } })
    const headers = { authorization: `Bearer ${await test.tokenOf('viewer')}` }
    test.clock.now += leapMs

    const { statusCode } = await test.app.inject({ url: '/api/v1/workspaces', headers })

    assert.equal(statusCode, 200)
  })
}

test('a lease that another took after the clock went forward is lost, and says so', async t => {
  const { parts, clock } = await openTestApp(t)
  const options = { ...parts, agent: parts.people.system.id }
  const lease = await takeLease(COLLECTING, options)
  clock.now += HOUR_MS
  const other = await takeLease(COLLECTING, options)

  await assert.rejects(lease.require(), { code: 'CONFLICT' })

  await lease.release()
  await other.require()
  await other.release()
})
