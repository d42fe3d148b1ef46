import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cli, type Done, folder, type Server, startServer } from './kaos.ts'

const ROUNDS = 25
const seed = Number(process.env.KAOS_TEST_SEED ?? Date.now() % 1_000_000)
const random = (n: number) => {
  let x = (seed + n * 2_654_435_761) >>> 0
  x ^= x << 13
  x ^= x >>> 17
  x ^= x << 5
  return (x >>> 0) / 2 ** 32
}

/** A training that takes a moment, counts its starts outside its box, and leaves with its number. */
function bundle(work: string, number: number): void {
  const model = join(work, 'code', 'steps', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'data', 'features', 'number.txt'), `${number}\n`)
  writeFileSync(join(work, 'code', 'steps', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(
    join(model, 'train'),
    `#!/bin/sh
set -e
mkdir -p "$1/model"
for step in 1 2 3 4 5 6; do echo "step $step"; sleep 0.2; done
cat /pfs/data/*/number.txt > "$1/model/number.txt"
`,
  )
  chmodSync(join(model, 'train'), 0o755)
}

function workersOf(data: string): number[] {
  const found: number[] = []
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      if (/runners\/main\.ts/.test(command) && environment.includes(data)) found.push(Number(pid))
    } catch {
      // it ended while we looked
    }
  }
  return found
}

test('a kill -9 of server or worker at any moment loses no training and doubles none', async t => {
  console.log(`seed ${seed}`)
  const data = folder(t)
  const work = folder(t)
  const kaos = cli(work)
  let server: Server = await startServer(data)
  t.after(() => server.stop())
  const port = Number(new URL(server.url).port)
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'faults')
  let acknowledged = 0

  for (let round = 0; round < ROUNDS; round++) {
    bundle(work, round)
    const deploying = kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--json')
    await sleep(random(round) * 2500)
    if (random(round + 1000) < 0.5) {
      for (const pid of workersOf(data)) process.kill(pid, 'SIGKILL')
    } else {
      await server.kill()
      server = await startServer(data, { port })
    }
    const done: Done = await deploying
    if (done.code === 0) acknowledged++
    else assert.doesNotMatch(done.stderr, /\n\s+at /, 'an error is one line, not a stack')
  }

  const jobs = await settled(kaos)
  const good = jobs.filter(job => job.state === 'JOB_SUCCESS')
  console.log(
    `promise kill rounds=${ROUNDS} acknowledged=${acknowledged} jobs=${jobs.length} succeeded=${good.length}`,
  )
  assert.ok(good.length >= acknowledged, JSON.stringify(jobs, null, 1))
  assert.equal(good.length, jobs.length)
  for (const job of jobs) {
    const info = JSON.parse((await kaos('train', 'info', '-j', job.jobId, '--json')).stdout)
    assert.equal(info.models.length, 1, 'one outcome, one model')
  }
})

interface Row {
  jobId: string
  state: string
}

async function settled(kaos: ReturnType<typeof cli>): Promise<Row[]> {
  for (;;) {
    const { training } = JSON.parse((await kaos('train', 'list', '--json')).stdout)
    const open = training.filter((job: Row) => /STARTING|RUNNING|MERGING/.test(job.state))
    if (open.length === 0) return training
    await sleep(500)
  }
}
