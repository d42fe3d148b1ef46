/* How long a server needs after kill -9 until it answers, takes writes and knows its work: with an
 * installation that has thousands of trainings waiting and as many that have ended. They are two real
 * ones, copied in the ledger's records: only the first of each kind came through the API. It is started
 * as `kaos up` starts it, with what was compiled before kept. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../api/ids.ts'
import type { QueueView, TrainList } from '../api/wire.ts'
import { cli, type Server, startServer } from '../test/e2e/kaos.ts'
import { cpuSoFar, line, median } from './measure.ts'

const JOBS = 10_000
const ROUNDS = 3

interface Back {
  readonly ms: number
  readonly cpuMs: number
  /** Of the first look at the queue. */
  readonly queueMs: number
}

export async function recovery(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'kaos-bench-'))
  const env = { KAOS_NO_WORKER: '1', NODE_COMPILE_CACHE: join(work, 'compiled') }
  try {
    const data = join(work, 'server')
    multiply(join(data, 'ledger.sqlite'), await twoJobs(work, data, env))
    const [full, empty]: [Back[], Back[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      empty.push(await killedAndBack(join(work, 'empty'), env, 0))
      full.push(await killedAndBack(data, env, JOBS))
    }
    const of = (backs: Back[], figure: keyof Back) => backs.map(back => back[figure])
    line('recovery', {
      ready_ms: median(of(full, 'ms')),
      worst_ms: Math.max(...of(full, 'ms')),
      cpu_ms: median(of(full, 'cpuMs')),
      empty_ms: median(of(empty, 'ms')),
      empty_cpu_ms: median(of(empty, 'cpuMs')),
      queue_ms: median(of(full, 'queueMs')),
      jobs: JOBS,
      goal_ms: 2000,
      n: ROUNDS,
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A training that has ended, and one whose trial waits for a worker. */
async function twoJobs(work: string, data: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const model = join(work, 'code', 'one', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'code', 'one', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(join(work, 'data', 'features', 'x'), 'x')
  writeFileSync(join(model, 'train'), '#!/bin/sh\nmkdir -p "$1/model"; echo m > "$1/model/m"\n')
  chmodSync(join(model, 'train'), 0o755)
  const kaos = cli(work)
  const deploy = async (...more: string[]) => {
    const done = await kaos('train', 'deploy', '-s', 'code', '-d', 'data', ...more)
    if (done.code !== 0) throw new Error(done.stderr)
  }
  const first = await startServer(data, { env: { ...env, KAOS_NO_WORKER: '' } })
  await kaos('init', '-e', first.url)
  await kaos('workspace', 'create', '-n', 'bench')
  await deploy('--wait')
  await first.stop()
  const second = await startServer(data, { env, port: Number(new URL(first.url).port) })
  await deploy('--again')
  const { training } = (await ask(second, '/workspaces/bench/train')) as TrainList
  await second.stop()
  return training.map(({ jobId }) => jobId)
}

async function ask(server: Server, path: string): Promise<unknown> {
  return (await fetch(`${server.url}/api/v1${path}`)).json()
}

/** Every record that names one of the jobs again for each new one, in one transaction. */
function multiply(file: string, jobs: readonly string[]): void {
  const database = new DatabaseSync(file)
  const { version } = database.prepare('SELECT version FROM head').get() as { version: number }
  const insert = database.prepare('INSERT INTO record (key, value, version) VALUES (?, ?, ?)')
  database.exec('BEGIN')
  for (const job of jobs) {
    const rows = rowsOf(database, job)
    for (let n = 1; n < JOBS; n++) {
      const id = newId()
      for (const { key, value } of rows) {
        insert.run(key.replaceAll(job, id), value.replaceAll(job, id), version + n)
      }
    }
  }
  database.prepare('UPDATE head SET version = ?').run(version + JOBS)
  database.exec('COMMIT')
  database.close()
}

/** Each with its trial's own id made the job's, so that copies differ in both. */
function rowsOf(database: DatabaseSync, job: string): { key: string; value: string }[] {
  const rows = database
    .prepare('SELECT key, value FROM record WHERE instr(key, :job) > 0 AND key NOT LIKE :once')
    .all({ job, once: 'once/%' }) as { key: string; value: string }[]
  const trial = rows.find(({ key }) => key.startsWith('trial/'))
  if (trial === undefined) throw new Error('a job without a trial')
  const { id } = JSON.parse(trial.value) as { id: string }
  const own = (text: string) => text.replaceAll(id, `${job}-0`)
  return rows.map(({ key, value }) => ({ key: own(key), value: own(value) }))
}

/** From the start of the process that follows a kill -9 until it is ready and shows its queue. */
async function killedAndBack(data: string, env: NodeJS.ProcessEnv, waiting: number): Promise<Back> {
  const first = await startServer(data, { env })
  await first.kill()
  const start = performance.now()
  const server = await startServer(data, { env })
  while ((await fetch(`${server.url}/readyz`)).status !== 200) await sleep(10)
  const ms = performance.now() - start
  const cpuMs = cpuSoFar(server.process.pid!)
  const { counts } = (await ask(server, '/queue')) as QueueView
  const queueMs = performance.now() - start - ms
  await server.stop()
  if (counts.ready !== waiting) throw new Error(`of ${waiting} jobs ${counts.ready} are ready`)
  return { ms, cpuMs, queueMs }
}
