/* What kaos adds to its engines: the first line of a training in a container against a bare `docker run`
 * of the same image, how many trivial trials go through the process runner, and how late a wake-up through
 * Bull comes. KAOS_TEST_DOCKER_SOCKET, KAOS_TEST_SMALL_IMAGE and KAOS_TEST_REDIS_URL name the engines. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openRedisMessenger } from '../server/queue/redis.ts'
import { cli, type Server, startServer } from '../test/e2e/kaos.ts'
import { cpuSoFar, line, median, quantile } from './measure.ts'

const ROUNDS = 15
const TRIALS = 200
const WAKE_UPS = 300
/** Whoever asks often takes from the server that is measured. */
const RARELY_MS = 100
const FIRST = 'the first line'
const BASE = '/api/v1/workspaces/bench'

export async function engines(): Promise<void> {
  const { KAOS_TEST_DOCKER_SOCKET: socket, KAOS_TEST_SMALL_IMAGE: image } = process.env
  const { KAOS_TEST_REDIS_URL: redis } = process.env
  if (socket && image) await firstLine(socket, image)
  else console.log('bench first-line: no engine is named (KAOS_TEST_DOCKER_SOCKET, _SMALL_IMAGE)')
  if (redis) await queueDelay(redis)
  else console.log('bench queue-delay: no Redis is named (KAOS_TEST_REDIS_URL)')
}

interface Bench {
  readonly server: Server
  readonly work: string
}

/** A server with a workspace and one training deployed, for as long as the work takes. */
async function withTraining(
  env: NodeJS.ProcessEnv,
  bundle: { dockerfile: string; train: string },
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'kaos-bench-'))
  // As `kaos up` starts it: what was compiled before is kept.
  const compiled = { NODE_COMPILE_CACHE: join(work, 'compiled') }
  const server = await startServer(join(work, 'server'), { env: { ...compiled, ...env } })
  try {
    const model = join(work, 'code', 'one', 'model')
    mkdirSync(model, { recursive: true })
    mkdirSync(join(work, 'data', 'features'), { recursive: true })
    writeFileSync(join(work, 'code', 'one', 'Dockerfile'), bundle.dockerfile)
    writeFileSync(join(work, 'data', 'features', 'x'), 'x')
    writeFileSync(join(model, 'train'), bundle.train)
    chmodSync(join(model, 'train'), 0o755)
    const kaos = cli(work)
    await kaos('init', '-e', server.url)
    await kaos('workspace', 'create', '-n', 'bench')
    const first = await kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--wait')
    if (first.code !== 0) throw new Error(first.stderr)
    await use({ server, work })
  } finally {
    await server.stop()
    rmSync(work, { recursive: true, force: true })
  }
}

/** The same image, program and limits of what it may, started by us and by the engine's own client. */
async function firstLine(socket: string, image: string): Promise<void> {
  const dockerfile = `FROM ${image}\nWORKDIR /opt/program\nCOPY . /opt/program/\n`
  const train = `#!/bin/sh\necho ${FIRST}\nmkdir -p "$1/model"\necho m > "$1/model/m"\n`
  const env = { KAOS_RUNNER: 'docker', KAOS_DOCKER_SOCKET: socket }
  await withTraining(env, { dockerfile, train }, async ({ server }) => {
    const [ours, bare]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await bareLine(socket, image))
      ours.push(await ourLine(server.url))
    }
    const [job_ms, bare_ms] = [median(ours), median(bare)]
    line('first-line', { job_ms, bare_ms, ratio: job_ms / bare_ms, goal: 1.3, n: ROUNDS })
  })
}

/** Until the client of the engine shows the first line. */
async function bareLine(socket: string, image: string): Promise<number> {
  const start = performance.now()
  const shut = ['--network', 'none', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']
  const run = ['-H', `unix://${socket}`, 'run', '--rm', '--init', '--user', '65534:65534', ...shut]
  const child = spawn('docker', [...run, image, '/bin/sh', '-c', `echo ${FIRST}`])
  const ended = new Promise(resolve => child.once('close', resolve))
  for await (const bytes of child.stdout) {
    if (!String(bytes).includes(FIRST)) continue
    const ms = performance.now() - start
    await ended
    return ms
  }
  throw new Error('docker run printed nothing')
}

/** Until the log of the job, followed by the caller who asked for it, shows the first line. */
async function ourLine(url: string): Promise<number> {
  const start = performance.now()
  const job = await deployAgain(url, {})
  const log = await fetch(`${url}${BASE}/jobs/${job}/logs?follow=true`)
  let [text, ms] = ['', 0]
  for await (const bytes of log.body!) {
    text += Buffer.from(bytes)
    if (ms === 0 && text.includes(FIRST)) ms = performance.now() - start
  }
  await ended(url, job)
  return ms
}

async function deployAgain(url: string, more: object): Promise<string> {
  const accepted = await fetch(`${url}${BASE}/train`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ again: true, ...more }),
  })
  const body = (await accepted.json()) as { job?: { jobId: string } }
  if (body.job === undefined) throw new Error(JSON.stringify(body))
  return body.job.jobId
}

async function ended(url: string, job: string, everyMs = 10): Promise<void> {
  for (;;) {
    const view = await fetch(`${url}${BASE}/jobs/${job}`)
    const { state } = ((await view.json()) as { job: { state: string } }).job
    if (state === 'JOB_SUCCESS') return
    if (/FAILURE|KILLED/.test(state)) throw new Error(`the job ended as ${state}`)
    await sleep(everyMs)
  }
}

/** A grid of trials that do nothing, from the request to the last recorded outcome. */
export async function manyTrials(): Promise<void> {
  const train = '#!/bin/sh\nmkdir -p "$1/model"\necho m > "$1/model/m"\n'
  const env = { KAOS_RUNNER: 'process', KAOS_SLOTS: '4' }
  await withTraining(env, { dockerfile: 'FROM scratch\n', train }, async ({ server }) => {
    const points = Array.from({ length: TRIALS }, (_, point) => point)
    const start = performance.now()
    const hyper = { hyperparams: { point: points }, parallelism: TRIALS }
    const cpu = cpuSoFar(server.process.pid!)
    await ended(server.url, await deployAgain(server.url, hyper), RARELY_MS)
    const seconds = (performance.now() - start) / 1000
    const cpu_ms = (cpuSoFar(server.process.pid!) - cpu) / TRIALS
    line('many-trials', { per_s: TRIALS / seconds, cpu_ms, trials: TRIALS, goal_per_s: 40 })
  })
}

/** From the moment a server asks for a wake-up to the moment another hears it, through Bull. */
async function queueDelay(url: string): Promise<void> {
  const name = `bench-${process.pid}`
  const log = () => {}
  const [asking, hearing] = [
    openRedisMessenger({ url, name, log }),
    openRedisMessenger({ url, name, log }),
  ]
  try {
    while (asking.trouble() !== undefined || hearing.trouble() !== undefined) await sleep(10)
    let heard: () => void = () => {}
    hearing.listen(() => heard())
    const delays: number[] = []
    for (let round = 0; round < WAKE_UPS; round++) {
      const start = performance.now()
      const done = new Promise<void>(resolve => (heard = resolve))
      asking.tell(['ready'])
      await done
      delays.push(performance.now() - start)
      await sleep(5)
    }
    const figures = { p50_ms: median(delays), p99_ms: quantile(delays, 0.99), goal_p99_ms: 50 }
    line('queue-delay', { ...figures, max_ms: Math.max(...delays), n: WAKE_UPS })
  } finally {
    await asking.close()
    await hearing.close()
  }
}
