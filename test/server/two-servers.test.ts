import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServeList } from '../../api/wire.ts'
import type { Messenger } from '../../server/jobs/neighbours.ts'
import { type Scripted, SERVE } from './jobs/scripted.ts'
import { openTwo } from './two-servers.ts'

/** Asks again until it is so. */
async function until<T>(ask: () => Promise<T>, right: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (right(answer)) return answer
    await sleep(20)
  }
}

/** Messages of one server to the other, as a broker would carry them. */
function twoMessengers(): [Messenger, Messenger] {
  const heard: ((topics: readonly string[]) => void)[][] = [[], []]
  const of = (own: number): Messenger => {
    const tell = (topics: readonly string[]) => {
      setImmediate(() => {
        for (const one of heard[1 - own]!) one(topics)
      })
    }
    return {
      tell,
      tellLater: (topics, ms) => void setTimeout(() => tell(topics), ms),
      listen: one => void heard[own]!.push(one),
      trouble: () => undefined,
      close: async () => {},
    }
  }
  return [of(0), of(1)]
}

for (const [how, messengers] of [
  ['by reading', () => []],
  ['by messages', twoMessengers],
] as const) {
  test(`what one server makes ready, a worker that waits at the other gets: ${how}`, async t => {
    const [one, other] = await openTwo(t, messengers() as [Messenger, Messenger])
    const waiting = other.claimed(['build'], 30_000)

    const { build } = await one.firstTraining()

    assert.equal((await waiting).job, build?.jobId)
  })
}

test('an attempt that was begun at one server goes on and ends at the other', async t => {
  const [one, other] = await openTwo(t)
  const { job } = await one.firstTraining()
  await other.endBuild(await one.claimed(['build']))
  const order = await until(
    () => other.claim(['trial']),
    found => found !== undefined,
  )
  const renewed = await one.renew(order!, 'running')
  const first = await other.writeLog(order!, 0, 'begun ')
  const second = await one.writeLog(order!, 6, 'and done\n')
  const gap = await other.writeLog(order!, 99, 'lost')
  const logs = [await one.log(job!.jobId), await other.log(job!.jobId)]

  const output = await one.sendTree(order!, { model: { 'model.pkl': 'weights' } })
  const reported = await one.report(order!, { exit: 0, output })

  assert.equal(renewed.statusCode, 200)
  assert.deepEqual([first.json().offset, second.json().offset], [6, 15])
  assert.deepEqual([gap.statusCode, gap.json().data.offset], [409, 15])
  assert.deepEqual(logs, ['begun and done\n', 'begun and done\n'])
  assert.equal(reported.statusCode, 200)
  assert.equal((await other.job(job!.jobId)).job.state, 'JOB_SUCCESS')
  assert.equal(await other.log(job!.jobId), 'begun and done\n')
  const late = await other.writeLog(order!, 15, 'late')
  assert.deepEqual([late.statusCode, late.json().code], [409, 'ATTEMPT_STALE'])
})

test('a worker learns from either server that its job was killed at the other', async t => {
  const [one, other] = await openTwo(t)
  const { job } = await one.firstTraining()
  await one.build()
  const order = await one.claimed(['trial'])

  await other.ask('POST', `/workspaces/mnist/jobs/${job!.jobId}/kill`)
  const lease = await one.renew(order, 'running')

  assert.equal(lease.json().stop, true)
})

test('of two workers at two servers one gets the work, and it has one attempt', async t => {
  const [one, other] = await openTwo(t, twoMessengers())
  const { job } = await one.firstTraining({ hyperparams: { n: [1, 2, 3, 4] }, parallelism: 4 })
  await one.build()
  await until(
    () => other.ask<{ ready: object[] }>('GET', '/queue'),
    queue => queue.ready.length === 4,
  )

  const orders = await Promise.all(
    [one, other, one, other, one, other].map(server => server.claim(['trial'])),
  )

  const trials = orders.flatMap(order => (order?.work.kind === 'trial' ? [order.work] : []))
  assert.equal(new Set(trials.map(work => JSON.stringify(work))).size, trials.length)
  assert.equal(trials.length, 4)
  assert.equal((await one.job(job!.jobId)).job.state, 'JOB_STARTING')
})

test('a long log is kept in the store, and read whole at either server', async t => {
  const [one, other] = await openTwo(t)
  const { job } = await one.firstTraining()
  await one.build()
  const order = await one.claimed(['trial'])
  const line = `${'x'.repeat(99)}\n`
  let offset = 0
  for (let part = 0; part < 12; part++) {
    const server = part % 2 === 0 ? one : other
    const answer = await server.writeLog(order, offset, line.repeat(3000))
    offset = answer.json().offset
  }

  const { ledger } = one.test.parts
  const records = await ledger.records('journal/', { limit: 1000 })
  const kept = records.filter(({ value }) => 'file' in (value as object))
  const text = await other.log(job!.jobId)

  assert.equal(offset, 12 * 3000 * 100)
  assert.ok(kept.length >= 2, `${kept.length} of ${records.length}`)
  assert.ok(records.length - kept.length < 12)
  assert.equal(text, line.repeat(12 * 3000))
})

test('an endpoint is known to the gateway of either server, and unknown once it was killed', async t => {
  const [one, other] = await openTwo(t)
  await one.workspace()
  const source = await one.bundle('serve-source', 'mnist', SERVE)
  await one.ask('POST', '/workspaces/mnist/serve', { source: source.id })
  await one.build()
  const order = await until(
    () => other.claim(['service']),
    found => found !== undefined,
  )
  const address = { host: '127.0.0.1', port: 4711 }
  await other.renew(order!, 'serving', { address })
  const name = await nameOf(one)
  const here = await until(
    async () => one.test.jobs!.route(name),
    route => route?.address !== undefined,
  )

  await one.ask('POST', `/workspaces/mnist/serve/endpoints/${name}/kill`)
  const gone = await until(
    async () => other.test.jobs!.route(name),
    route => route === undefined,
  )

  assert.deepEqual(here?.address, address)
  assert.equal(gone, undefined)
})

async function nameOf(server: Scripted): Promise<string> {
  const list = await server.ask<ServeList>('GET', '/workspaces/mnist/serve')
  return list.running[0]!.name
}
