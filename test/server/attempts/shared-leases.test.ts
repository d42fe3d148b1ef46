import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LiveAttempts, openLiveAttempts } from '../../../server/attempts/live.ts'
import { write } from '../../../server/jobs/reading.ts'
import { type AttemptRecord, keyOf } from '../../../server/jobs/records.ts'
import { NO_JOBS, openTestApp, type TestApp } from '../open.ts'

const LEASE_MS = 40
const RECORD: AttemptRecord = {
  id: '0'.repeat(31).concat('1'),
  number: 1,
  work: { kind: 'build', id: 'b', workspace: 'w', job: 'j' },
  organisation: 'o',
  worker: 'w1',
  agent: 'a',
  runner: 'process',
  phase: null,
}

function openLeases(t: TestContext, { parts }: TestApp): LiveAttempts {
  const options = { parts, leaseMs: LEASE_MS, shared: true, expired: () => {} }
  const live = openLiveAttempts(options)
  t.after(() => live.close())
  return live
}

async function commit({ parts: { ledger, people } }: TestApp, value: AttemptRecord | null) {
  const { id: actor, organisation } = people.system
  const key = keyOf.attempt(RECORD.id)
  const record = value === null ? { key, value } : write(key, value)
  await ledger.commit({ actor, organisation, records: [record] })
}

async function expiry(live: LiveAttempts): Promise<void> {
  while (!live.get(RECORD.id)?.expired) {
    await live.refresh()
    await sleep(5)
  }
}

test('a renewal at one server begins the lease anew at the other', async t => {
  const app = await openTestApp(t, { jobs: NO_JOBS })
  await commit(app, RECORD)
  const [one, other] = [openLeases(t, app), openLeases(t, app)]
  await expiry(other)

  await one.renew(RECORD.id)
  await other.refresh()

  assert.equal(other.get(RECORD.id)?.expired, false)
})

test('a lease that nobody renews runs out at both servers', async t => {
  const app = await openTestApp(t, { jobs: NO_JOBS })
  await commit(app, RECORD)

  const [one, other] = [openLeases(t, app), openLeases(t, app)]
  await Promise.all([expiry(one), expiry(other)])

  assert.equal(one.all().length, 1)
  assert.equal(other.all().length, 1)
})

test('who cannot read the ledger believes nobody lost', async t => {
  const app = await openTestApp(t, { jobs: NO_JOBS })
  await commit(app, RECORD)
  const live = openLeases(t, app)
  await live.refresh()

  await sleep(LEASE_MS * 4)

  assert.equal(live.get(RECORD.id)?.expired, false)
})

test('an attempt that ended at one server is over at the other', async t => {
  const app = await openTestApp(t, { jobs: NO_JOBS })
  await commit(app, RECORD)
  const live = openLeases(t, app)
  await live.refresh()
  await commit(app, null)

  const renewed = live.renew(RECORD.id)

  await assert.rejects(renewed, { code: 'ATTEMPT_STALE' })
  assert.deepEqual(live.all(), [])
})

test('what a worker told one server of its progress the other knows', async t => {
  const app = await openTestApp(t, { jobs: NO_JOBS })
  await commit(app, RECORD)
  const [one, other] = [openLeases(t, app), openLeases(t, app)]
  const progress = { done: 3, failed: 0, skipped: 0, total: 9 }

  await one.renew(RECORD.id, progress)
  await other.refresh()

  assert.deepEqual(other.get(RECORD.id)?.progress, progress)
})
