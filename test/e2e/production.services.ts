/* The walkthrough in the set-up that others run: Neo4j, S3, Redis and Docker, two servers over them, each
 * with a worker of its own, and a third worker beside. Every step goes to the other server than the one
 * before. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerList } from '../../api/wire.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { place, sweep } from '../graph/neo4j-place.ts'
import { dropBucket, testPlace } from '../store/buckets.ts'
import { folder, root, startServer } from './kaos.ts'
import { walkthroughOver } from './walkthrough.ts'

/** What every server of one installation is started with, over the real parts that are named. */
function settingsFor(t: TestContext): NodeJS.ProcessEnv {
  const { KAOS_TEST_REDIS_URL, KAOS_TEST_DOCKER_SOCKET, KAOS_TEST_SMALL_IMAGE } = process.env
  assert.ok(KAOS_TEST_REDIS_URL, 'KAOS_TEST_REDIS_URL names no Redis; start one and set it')
  assert.ok(
    KAOS_TEST_DOCKER_SOCKET && KAOS_TEST_SMALL_IMAGE,
    'KAOS_TEST_DOCKER_SOCKET and KAOS_TEST_SMALL_IMAGE must name a real engine',
  )
  const { url, user, password } = place()
  const s3 = testPlace()
  t.after(() => dropBucket(s3))
  const secrets = join(folder(t), 'secret.key')
  writeFileSync(secrets, randomBytes(32).toString('hex'), { mode: 0o600 })
  return {
    KAOS_RUNNER: 'docker',
    KAOS_DOCKER_SOCKET: KAOS_TEST_DOCKER_SOCKET,
    KAOS_BASE_IMAGE: KAOS_TEST_SMALL_IMAGE,
    KAOS_NEO4J_URL: url,
    KAOS_NEO4J_USER: user,
    KAOS_NEO4J_PASSWORD: password,
    KAOS_S3_ENDPOINT: s3.endpoint,
    KAOS_S3_BUCKET: s3.bucket,
    KAOS_S3_ACCESS_KEY: s3.accessKey,
    KAOS_S3_SECRET_KEY: s3.secretKey,
    KAOS_REDIS_URL: KAOS_TEST_REDIS_URL,
    KAOS_SECRET_KEY_FILE: secrets,
  }
}

/** A worker that belongs to no server, for as long as the test; asks this one for work. */
async function startWorker(t: TestContext, url: string, env: NodeJS.ProcessEnv): Promise<void> {
  const made = await fetch(`${url}/api/v1/admin/workers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'third', expiresInSeconds: 3600 }),
  })
  const { token } = (await made.json()) as { token: string }
  const child = spawn(process.execPath, [join(root, 'runners', 'main.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      KAOS_SERVER: url,
      KAOS_WORKER_TOKEN: token,
      KAOS_WORKER_ID: 'third',
      KAOS_DATA: folder(t),
      KAOS_RUNNER: env.KAOS_RUNNER,
      KAOS_DOCKER_SOCKET: env.KAOS_DOCKER_SOCKET,
    },
  })
  t.after(async () => {
    const gone = once(child, 'exit')
    if (child.kill('SIGTERM')) await gone
  })
  await untilSeen(url, 'third')
}

async function untilSeen(url: string, name: string): Promise<void> {
  for (;;) {
    const list = await fetch(`${url}/api/v1/admin/workers`)
    const { workers } = (await list.json()) as WorkerList
    if (workers.some(one => one.name === name && one.state === 'ready')) return
    await sleep(100)
  }
}

test('the walkthrough passes on Neo4j, S3, Redis and Docker, each step at the other of two servers', async t => {
  await sweep('content', '')
  t.after(() => sweep('all', ''))
  const env = settingsFor(t)
  const urls: string[] = []
  for (const worker of ['one', 'other']) {
    const server = await startServer(folder(t), { env: { ...env, KAOS_WORKER_ID: worker } })
    t.after(() => server.stop())
    urls.push(server.url)
  }
  await startWorker(t, urls[1]!, env)

  const { answer, modelId } = await walkthroughOver(t, { url: urls[0]!, others: urls.slice(1) })

  assert.deepEqual(answer, { result: [3] })
  assert.match(modelId, /^[0-9a-f]{5}_[0-9a-f]{5}:[0-9a-f]{6}$/)
  const ledger = await openNeo4jLedger(place())
  t.after(() => ledger.close())
  assert.deepEqual(await ledger.verify(), [])
})
