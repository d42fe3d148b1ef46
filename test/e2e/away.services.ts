/* Two servers over Neo4j, S3 and Redis, while each of these three is killed and started again, stands
 * still, and has its lines cut in the middle of what they carry. What was acknowledged is there
 * afterwards, nothing happened twice, and meanwhile the servers say who is away.
 * KAOS_TEST_ROUNDS kills of each, KAOS_TEST_STALL_S for the length of a standstill, KAOS_TEST_PARTS to
 * disturb some alone: redis,s3. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FsckRun } from '../../api/wire.ts'
import { cli, folder, type Server, startServer } from './kaos.ts'
import { Line } from './parts/line.ts'
import { ownNeo4j, ownRedis, ownS3, type Part, S3_KEYS } from './parts/programs.ts'
import { deploy, Pushing, settledJobs, untilReady, writeBundle } from './parts/work.ts'
import {
  adminRun,
  DvcPusher,
  lostAmong,
  makeWorkspace,
  NativePusher,
  OciPusher,
  WORKSPACE,
} from './pushing.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 1)
const STALL_MS = Number(process.env.KAOS_TEST_STALL_S ?? 8) * 1000
const AWAY_MS = 1500
const TRAIN =
  '#!/bin/sh\nset -e\nmkdir -p "$1/model"\nsleep 1\ncat /pfs/data/*/number.txt > "$1/model/number.txt"'
const DISTURBED = (process.env.KAOS_TEST_PARTS ?? 'redis,s3,neo4j').split(',')
/** What /readyz calls each of them. */
const PUBLIC: Record<string, string> = { redis: 'queue', s3: 'storage', neo4j: 'ledger' }

interface Scene {
  readonly servers: readonly Server[]
  readonly parts: readonly { readonly part: Part; readonly line: Line }[]
}

async function openScene(t: TestContext): Promise<Scene> {
  const [neo4j, s3, redis] = await Promise.all([ownNeo4j(t), ownS3(t), ownRedis(t)])
  const parts = []
  for (const part of [redis, s3, neo4j]) parts.push({ part, line: await Line.to(t, part.at) })
  const [toRedis, toS3, toNeo4j] = parts.map(({ line }) => line.at)
  const secrets = join(folder(t), 'secret.key')
  writeFileSync(secrets, randomBytes(32).toString('hex'), { mode: 0o600 })
  const env = {
    KAOS_NEO4J_URL: `bolt://${toNeo4j}`,
    KAOS_NEO4J_USER: 'neo4j',
    KAOS_NEO4J_PASSWORD: 'any',
    KAOS_S3_ENDPOINT: `http://${toS3}`,
    KAOS_S3_BUCKET: 'kaos',
    KAOS_S3_ACCESS_KEY: S3_KEYS.accessKey,
    KAOS_S3_SECRET_KEY: S3_KEYS.secretKey,
    KAOS_REDIS_URL: `redis://${toRedis}`,
    KAOS_SECRET_KEY_FILE: secrets,
    KAOS_SLOTS: '1',
    KAOS_SCRUB_DAYS: '0',
  }
  const servers = []
  for (const name of ['one', 'other']) {
    const server = await startServer(folder(t), { env: { ...env, KAOS_WORKER_ID: name } })
    t.after(() => server.stop())
    servers.push(server)
  }
  return { servers, parts }
}

interface Fault {
  readonly what: string
  readonly part: Part
  /** Does it; resolves when the part is sound again. `said`: what /readyz said meanwhile. */
  run(): Promise<void>
}

/** The same of every part, one after the other. */
function faultsOf({ parts, servers }: Scene, said: string[]): Fault[] {
  const listen = async (part: Part) => {
    const answer = await fetch(`${servers[0]!.url}/readyz`)
    const { checks = {} } = (await answer.json()) as { checks?: Record<string, string> }
    if (checks[PUBLIC[part.name]!] !== undefined) said.push(part.name)
  }
  const faults: Fault[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const { part } of parts) {
      faults.push({
        what: 'kill',
        part,
        async run() {
          await part.kill()
          await sleep(Math.random() * AWAY_MS)
          await listen(part)
          await part.start()
        },
      })
    }
  }
  for (const { part, line } of parts) {
    faults.push({
      what: 'standstill',
      part,
      async run() {
        part.freeze()
        await sleep(STALL_MS)
        part.thaw()
      },
    })
    for (let round = 0; round < ROUNDS; round++) {
      faults.push({ what: 'cut', part, run: () => line.cut() })
    }
  }
  return faults
}

test('Redis, S3 and Neo4j may go away in the middle of work, and nothing is lost or done twice', async t => {
  const scene = await openScene(t)
  const [one, other] = scene.servers.map(({ url }) => url) as [string, string]
  const work = folder(t)
  const kaos = cli(work)
  await makeWorkspace(one)
  await kaos('init', '-e', one)
  await kaos('workspace', 'set', '-n', WORKSPACE)
  const pushing = new Pushing([
    new NativePusher(() => one, 'one'),
    new OciPusher(() => one, 'images'),
    new NativePusher(() => other, 'two'),
    new DvcPusher(() => other, 'tracked'),
  ])
  const said: string[] = []
  const slowest = new Map<string, number>()
  let acknowledged = 0
  const failures: string[] = []

  const faults = faultsOf(scene, said).filter(({ part }) => DISTURBED.includes(part.name))
  for (const [number, fault] of faults.entries()) {
    writeBundle(work, number, 'FROM scratch\n', `${TRAIN}\n# ${number}\n`)
    const deploying = deploy(kaos)
    await sleep(Math.random() * 1500)
    await fault.run()
    const ms = Math.max(...(await Promise.all([one, other].map(untilReady))))
    const before = pushing.accepted.length
    const since = performance.now()
    while (pushing.accepted.length < before + 4) await sleep(10)
    const name = `${fault.part.name}-${fault.what}`
    slowest.set(name, Math.max(slowest.get(name) ?? 0, ms + performance.now() - since))
    const done = await deploying
    if (done.code === 0) acknowledged++
    else failures.push(`${name}: ${done.stderr}`)
  }
  await pushing.stop()

  const jobs = await settledJobs(other)
  const lost = await lostAmong(pushing.accepted, other)
  const fsck = await adminRun<FsckRun>(one, 'fsck')
  const ledger = await kaos('ledger', 'verify')
  const doubled = jobs.filter(({ models }) => models.length > 1).length
  const bad = jobs.filter(({ job }) => job.state !== 'JOB_SUCCESS')
  const refused = [...pushing.refused].map(([status, count]) => `${status}:${count}`).join(',')
  console.log(
    `promise parts-away faults=${faults.length} acked=${pushing.accepted.length} lost=${lost.length}`,
    `jobs=${jobs.length} deploys=${acknowledged} doubled=${doubled} refused=${refused || 'none'}`,
    [...slowest].map(([name, ms]) => `${name}-ms=${Math.round(ms)}`).join(' '),
  )
  assert.deepEqual(lost, [])
  assert.deepEqual(failures, [], 'the command waits for a server that waits for a part')
  assert.deepEqual(bad, [])
  assert.equal(doubled, 0)
  assert.equal(jobs.length, acknowledged, 'a deploy that was sent again is one job')
  assert.deepEqual(pushing.wrong, [], 'an engine that is away is no error of the server')
  assert.deepEqual(new Set(said), new Set(DISTURBED))
  assert.equal(fsck.state, 'clean', JSON.stringify(fsck.findings.slice(0, 3)))
  assert.equal(ledger.code, 0, ledger.stderr)
})
