/* The clock of a real server, with its worker and programs, is moved an hour each way by libfaketime
 * while a training runs. (Debian: apt-get install faketime.) */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { JobView, TrainList } from '../../api/wire.ts'
import { cli, type Done, folder, startServer } from './kaos.ts'

const LIBRARY =
  process.env.KAOS_TEST_FAKETIME ?? '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'

function bundle(work: string): void {
  const model = join(work, 'code', 'steps', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'data', 'features', 'a.csv'), '1\n')
  writeFileSync(join(work, 'code', 'steps', 'Dockerfile'), 'FROM scratch\n')
  const train = `#!/bin/sh
set -e
mkdir -p "$1/model"
echo started
while [ ! -e "${join(work, 'go')}" ]; do sleep 0.2; done
echo done > "$1/model/done"
`
  writeFileSync(join(model, 'train'), train)
  chmodSync(join(model, 'train'), 0o755)
}

test('no lease is lost and nothing expires when the clock of the server leaps an hour each way', async t => {
  assert.ok(
    existsSync(LIBRARY),
    `${LIBRARY} is missing; install faketime or set KAOS_TEST_FAKETIME`,
  )
  const [data, work, control] = [folder(t), folder(t), folder(t)]
  const offset = join(control, 'offset')
  const leap = (seconds: string) => {
    writeFileSync(offset, `${seconds}\n`)
    // It looks at the file's time, which a leap must not hide.
    utimesSync(offset, new Date(), new Date())
  }
  leap('+0')
  bundle(work)
  const server = await startServer(data, {
    env: {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: offset,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
  })
  t.after(() => server.stop())
  const kaos = cli(work)
  const good = async (...args: string[]): Promise<Done> => {
    const done = await kaos(...args)
    assert.equal(done.code, 0, `kaos ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
    return done
  }
  const clockOf = async () => {
    const answer = await fetch(`${server.url}/api/v1/admin/doctor`)
    return Date.parse(((await answer.json()) as { now: string }).now)
  }
  const untilClockIs = async (hours: number) => {
    while (Math.round(((await clockOf()) - Date.now()) / 3_600_000) !== hours) await pause(200)
  }
  const running = async () => {
    const answer = await fetch(`${server.url}/api/v1/queue`)
    return ((await answer.json()) as { running: { kind: string; attempt: number }[] }).running
  }

  await good('init', '-e', server.url)
  await good('workspace', 'create', '-n', 'leaping')
  await good('train', 'deploy', '-s', 'code', '-d', 'data')
  while (!(await running()).some(row => row.kind === 'trial')) await pause(200)
  const attempts: number[] = []
  for (const hours of [1, -1, 0]) {
    leap(hours === 0 ? '+0' : `${hours > 0 ? '+' : ''}${hours}h`)
    await untilClockIs(hours)
    // Longer than a lease, if it were counted by the clock that has just been moved.
    for (let n = 0; n < 20; n++) await pause(1000)
    attempts.push(...(await running()).map(row => row.attempt))
    await good('workspace', 'list')
  }
  writeFileSync(join(work, 'go'), '')
  const list = `${server.url}/api/v1/workspaces/leaping/train`
  const { training } = (await (await fetch(list)).json()) as TrainList
  const job = `${server.url}/api/v1/workspaces/leaping/jobs/${training[0]?.jobId}`
  let view: JobView
  do {
    await pause(300)
    view = (await (await fetch(job)).json()) as JobView
  } while (!/SUCCESS|FAILURE|KILLED/.test(view.job.state))
  await good('ledger', 'verify', '--full')

  assert.deepEqual(attempts, [1, 1, 1])
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.models.length, 1)
  console.log('promise clock lost_leases=0 wrong_expiries=0')
})

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
