/* Two servers over one ledger in Neo4j, one bucket and one Redis, each with a worker of its own, as
 * processes: a training goes on although one of them is killed with all it was at. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobView, QueueView, TrainList } from '../../api/wire.ts'
import { openNeo4jLedger } from '../../graph/neo4j/ledger.ts'
import { place, sweep } from '../graph/neo4j-place.ts'
import { dropBucket, testPlace } from '../store/buckets.ts'
import { cli, folder, type Server, startServer } from './kaos.ts'

const TRIALS = 4

function environment(t: TestContext): NodeJS.ProcessEnv {
  const { url, user, password } = place()
  const s3 = testPlace()
  t.after(() => dropBucket(s3))
  const redis = process.env.KAOS_TEST_REDIS_URL
  assert.ok(redis, 'KAOS_TEST_REDIS_URL names no Redis; start one and set it')
  const secrets = join(folder(t), 'secret.key')
  writeFileSync(secrets, randomBytes(32).toString('hex'), { mode: 0o600 })
  return {
    KAOS_NEO4J_URL: url,
    KAOS_NEO4J_USER: user,
    KAOS_NEO4J_PASSWORD: password,
    KAOS_S3_ENDPOINT: s3.endpoint,
    KAOS_S3_BUCKET: s3.bucket,
    KAOS_S3_ACCESS_KEY: s3.accessKey,
    KAOS_S3_SECRET_KEY: s3.secretKey,
    KAOS_REDIS_URL: redis,
    KAOS_SECRET_KEY_FILE: secrets,
    KAOS_SLOTS: '1',
  }
}

async function ask<T>({ url }: Server, path: string): Promise<T> {
  return (await fetch(`${url}/api/v1${path}`)).json() as Promise<T>
}

async function runningTrials(server: Server): Promise<QueueView['running']> {
  const { running } = await ask<QueueView>(server, '/queue')
  return running.filter(row => row.kind === 'trial')
}

test('two servers are one endpoint, and the death of one loses nothing', async t => {
  await sweep('content', '')
  t.after(() => sweep('all', ''))
  const env = environment(t)
  const one = await startServer(folder(t), { env: { ...env, KAOS_WORKER_ID: 'one' } })
  t.after(() => one.kill())
  const other = await startServer(folder(t), { env: { ...env, KAOS_WORKER_ID: 'other' } })
  t.after(() => other.stop())
  const work = folder(t)
  const [here, there] = [cli(work), cli(folder(t))]
  const good = async (kaos: typeof here, ...args: string[]) => {
    const done = await kaos(...args)
    assert.equal(done.code, 0, `kaos ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
  }
  await good(here, 'init', '-e', one.url)
  await good(here, 'workspace', 'create', '-n', 'mnist')
  await good(here, 'template', 'get', '--name', 'mnist')
  await good(there, 'init', '-e', other.url)
  await good(there, 'workspace', 'set', '-n', 'mnist')
  const grid = join(work, 'grid.json')
  writeFileSync(grid, JSON.stringify({ learning_rate: [0.05, 0.1, 0.15, 0.2].slice(0, TRIALS) }))

  const templates = ['-s', 'templates/mnist/model-train', '-d', 'templates/mnist/data']
  await good(here, 'train', 'deploy', ...templates, '-h', grid, '-p', String(TRIALS))
  while ((await runningTrials(other)).length < 2) await sleep(50)
  const workers = (await runningTrials(other)).map(row => row.worker)
  await one.kill()
  const { training } = await ask<TrainList>(other, '/workspaces/mnist/train')
  const path = `/workspaces/mnist/jobs/${training[0]?.jobId}`
  while (!/SUCCESS|FAILURE|KILLED/.test((await ask<JobView>(other, path)).job.state)) {
    await sleep(200)
  }

  const { job, models } = await ask<JobView>(other, path)
  assert.deepEqual(workers.sort(), ['one', 'other'])
  const log = await (await fetch(`${other.url}/api/v1${path}/logs`)).text()
  assert.equal(job.state, 'JOB_SUCCESS', log)
  assert.equal(new Set(models.map(model => model.modelId)).size, TRIALS)
  await good(there, 'ledger', 'verify')
  await good(there, 'train', 'list')
  await good(there, 'train', 'get', '-i', '0', '-m')
  const ledger = await openNeo4jLedger(place())
  t.after(() => ledger.close())
  assert.deepEqual(await ledger.verify(), [])
})
