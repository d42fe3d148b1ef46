/* kill -9 of the server or the worker at random moments of builds, trainings and services: nothing that
 * was acknowledged is lost, nothing happens twice. KAOS_TEST_ROUNDS for more rounds. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FsckRun } from '../../api/wire.ts'
import { cli, type Done, folder, type Server, startServer } from './kaos.ts'
import { adminRun } from './pushing.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 25)
/** One round in so many puts a service up; so many stay at once. */
const SERVE_EVERY = 5
const SERVICES = 4
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
  const service = join(work, 'service', 'steps', 'model')
  mkdirSync(service, { recursive: true })
  writeFileSync(join(work, 'service', 'steps', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(join(service, 'serve'), SERVICE.replace('NUMBER', String(number)))
  chmodSync(join(service, 'serve'), 0o755)
}

/** Answers with its number. */
const SERVICE = `#!/usr/bin/env python3
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"NUMBER")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
`

/** What the service answers; asked until it does, or will never. */
async function answerOf({ url }: Server, endpoint: string): Promise<string> {
  for (;;) {
    const answer = await fetch(`${url}/${endpoint}/ping`)
    const text = await answer.text()
    if (answer.ok) return text
    const view = await fetch(`${url}/api/v1/workspaces/faults/serve/endpoints/${endpoint}`)
    assert.doesNotMatch(await view.text(), /PIPELINE_FAILURE/, text)
    await sleep(100)
  }
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
  let [acknowledged, slowestMs] = [0, 0]
  const services = new Map<string, string>()

  for (let round = 0; round < ROUNDS; round++) {
    bundle(work, round)
    const serving = round % SERVE_EVERY === SERVE_EVERY - 1 && acknowledged > 0
    const model = serving ? await newestModel(kaos) : undefined
    const deploying = model
      ? kaos('serve', 'deploy', '-s', 'service', '-m', model, '--json')
      : kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--json')
    await sleep(random(round) * 2500)
    if (random(round + 1000) < 0.5) {
      for (const pid of workersOf(data)) process.kill(pid, 'SIGKILL')
    } else {
      await server.kill()
      const since = performance.now()
      server = await startServer(data, { port })
      slowestMs = Math.max(slowestMs, performance.now() - since)
    }
    const done: Done = await deploying
    if (done.code !== 0) assert.doesNotMatch(done.stderr, /\n\s+at /, 'one line, not a stack')
    else if (model === undefined) acknowledged++
    else services.set(JSON.parse(done.stdout).endpoint.name, String(round))
    for (const [endpoint] of [...services].slice(0, -SERVICES)) {
      assert.equal((await kaos('serve', 'kill', '-e', endpoint, '--yes')).code, 0)
      services.delete(endpoint)
    }
  }

  const jobs = await settled(kaos)
  const good = jobs.filter(job => job.state === 'JOB_SUCCESS')
  const answers: [string, string][] = []
  for (const endpoint of services.keys()) answers.push([endpoint, await answerOf(server, endpoint)])
  const fsck = await adminRun<FsckRun>(server.url, 'fsck')
  const ledger = await kaos('ledger', 'verify')
  console.log(
    `promise kill-jobs rounds=${ROUNDS} acked=${acknowledged + services.size} jobs=${jobs.length}`,
    `succeeded=${good.length} services=${answers.length} fsck=${fsck.state}`,
    `ledger=${ledger.code === 0 ? 'verified' : 'broken'} slowest-restart-ms=${Math.round(slowestMs)}`,
  )
  assert.ok(good.length >= acknowledged, JSON.stringify(jobs, null, 1))
  assert.equal(good.length, jobs.length)
  for (const job of jobs) {
    const info = JSON.parse((await kaos('train', 'info', '-j', job.jobId, '--json')).stdout)
    assert.equal(info.models.length, 1, 'one outcome, one model')
  }
  assert.deepEqual(answers, [...services], 'each service answers for itself')
  assert.equal(fsck.state, 'clean', JSON.stringify(fsck.findings.slice(0, 3)))
  assert.equal(ledger.code, 0, ledger.stderr)
})

/** Of a training that is over. */
async function newestModel(kaos: ReturnType<typeof cli>): Promise<string> {
  for (const { jobId } of (await settled(kaos)).filter(job => job.state === 'JOB_SUCCESS')) {
    const info = JSON.parse((await kaos('train', 'info', '-j', jobId, '--json')).stdout)
    return info.models[0].modelId
  }
  assert.fail('no training succeeded')
}

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
