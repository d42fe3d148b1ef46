/* How long a server needs after kill -9 until it answers, takes writes and knows its work: with an
 * installation that has thousands of jobs waiting and as many that have ended. The jobs are one real
 * one, copied in the ledger's records: only the first of each kind came through the API. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../api/ids.ts'
import { cli, startServer } from '../test/e2e/kaos.ts'
import { line, median } from './measure.ts'

const JOBS = 10_000
const ROUNDS = 3
const ENV = { KAOS_NO_WORKER: '1' }

export async function recovery(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'kaos-bench-'))
  const data = join(work, 'server')
  try {
    const job = await oneJob(work, data)
    const waiting = multiply(join(data, 'ledger.sqlite'), job)
    const ready: number[] = []
    const empty: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      empty.push(await killedAndBack(join(work, 'empty')))
      ready.push(await killedAndBack(data, waiting))
    }
    line('recovery', {
      ready_ms: median(ready),
      worst_ms: Math.max(...ready),
      empty_ms: median(empty),
      jobs: JOBS,
      goal_ms: 2000,
      n: ROUNDS,
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Submits a training that nobody runs; answers its id. */
async function oneJob(work: string, data: string): Promise<string> {
  const model = join(work, 'code', 'one', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'code', 'one', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(join(work, 'data', 'features', 'x'), 'x')
  writeFileSync(join(model, 'train'), '#!/bin/sh\n')
  chmodSync(join(model, 'train'), 0o755)
  const server = await startServer(data, { env: ENV })
  try {
    const kaos = cli(work)
    await kaos('init', '-e', server.url)
    await kaos('workspace', 'create', '-n', 'bench')
    await kaos('train', 'deploy', '-s', 'code', '-d', 'data')
    const answer = await fetch(`${server.url}/api/v1/queue`)
    const { ready } = (await answer.json()) as { ready: { jobId: string }[] }
    return ready[0]!.jobId
  } finally {
    await server.stop()
  }
}

/** Every record that names the job again for each new one, in one transaction; answers how many wait. */
function multiply(file: string, job: string): number {
  const database = new DatabaseSync(file)
  const rows = database
    .prepare('SELECT key, value FROM record WHERE instr(key, :job) > 0 AND key NOT LIKE :once')
    .all({ job, once: 'once/%' }) as { key: string; value: string }[]
  const { version } = database.prepare('SELECT version FROM head').get() as { version: number }
  const insert = database.prepare('INSERT INTO record (key, value, version) VALUES (?, ?, ?)')
  database.exec('BEGIN')
  for (let n = 1; n < JOBS; n++) {
    const id = newId()
    for (const { key, value } of rows) {
      insert.run(key.replaceAll(job, id), value.replaceAll(job, id), version + n)
    }
  }
  database.prepare('UPDATE head SET version = ?').run(version + JOBS)
  database.exec('COMMIT')
  database.close()
  if (!rows.some(({ key }) => key.startsWith('ready/'))) throw new Error('no work waits')
  return JOBS
}

/** From the start of the process that follows a kill -9 until it is ready and shows its queue. */
async function killedAndBack(data: string, waiting = 0): Promise<number> {
  const first = await startServer(data, { env: ENV })
  await first.kill()
  const start = performance.now()
  const server = await startServer(data, { env: ENV })
  while ((await fetch(`${server.url}/readyz`)).status !== 200) await sleep(10)
  const ms = performance.now() - start
  const queue = await fetch(`${server.url}/api/v1/queue`)
  const said = await queue.text()
  await server.stop()
  if (waiting === 0) return ms
  const { ready = [] } = JSON.parse(said) as { ready?: unknown[] }
  if (ready.length === 0) throw new Error(`the queue was lost: ${said.slice(0, 300)}`)
  return ms
}
