/* The image of kaos, built by a real engine as `docker build` does, and the walkthrough over a server
 * and a worker in containers of it, with Neo4j, S3, Redis and Docker, and every secret from a file.
 * Where images cannot be pulled there is no node image, so one is made from this machine's Node. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAKERS, Place } from '../../cli/compose/place.ts'
import { place as neo4jPlace, sweep } from '../graph/neo4j-place.ts'
import { dropBucket, testPlace } from '../store/buckets.ts'
import { type Done, folder, root, run } from './kaos.ts'
import { walkthroughOver } from './walkthrough.ts'

function needed(name: string): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(`${name} is not set; start the services of the tests and export what they print`)
}

const socket = needed('KAOS_TEST_DOCKER_SOCKET')
const small = needed('KAOS_TEST_SMALL_IMAGE')
const suffix = randomBytes(4).toString('hex')
const base = `kaos-test/node:${suffix}`
const image = `kaos-test/kaos:${suffix}`

async function docker(...args: string[]): Promise<Done> {
  const done = await run('docker', ['-H', `unix://${socket}`, ...args], { cwd: root })
  assert.equal(done.code, 0, `docker ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
  return done
}

/** Node and npm of this machine over the small base, and the authorities that it trusts. */
async function buildBase(t: TestContext): Promise<void> {
  const context = folder(t)
  const npm = dirname(dirname(realpathSync(needed('npm_execpath'))))
  cpSync(process.execPath, join(context, 'node'))
  cpSync(npm, join(context, 'npm'), { recursive: true })
  const authorities = process.env.NODE_EXTRA_CA_CERTS
  if (authorities) cpSync(authorities, join(context, 'authorities.pem'))
  else writeFileSync(join(context, 'authorities.pem'), '')
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${small}
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
COPY authorities.pem /etc/ssl/authorities.pem
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/authorities.pem
`,
  )
  await docker('build', '--quiet', '--tag', base, context)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Secrets as `kaos build deploy` makes them, those of the tests' services in their place. */
function secretsIn(set: string, given: Readonly<Record<string, string>>): Place {
  const place = new Place(set)
  mkdirSync(join(set, 'secrets'), { mode: 0o700 })
  for (const [name, value] of Object.entries(given)) {
    writeFileSync(join(set, 'secrets', name), value, { mode: 0o444 })
  }
  place.write({})
  assert.deepEqual(readdirSync(join(set, 'secrets')).sort(), Object.keys(MAKERS).sort())
  return place
}

async function untilHealthy(container: string): Promise<void> {
  for (;;) {
    const { stdout } = await docker('inspect', '--format', '{{json .State}}', container)
    const { Status: status, Health: health } = JSON.parse(stdout)
    if (health.Status === 'healthy') return
    if (status !== 'running' || health.Status === 'unhealthy') {
      const { stdout: out, stderr } = await docker('logs', container)
      assert.fail(`${container} is ${status}, ${health.Status}:\n${out}${stderr}`)
    }
    await sleep(200)
  }
}

test('the image of kaos is built, is small and nobody’s root, and walks the walkthrough as server and worker', async t => {
  const bucket = testPlace()
  await sweep('content', '')
  t.after(async () => {
    for (const name of ['worker', 'server']) await docker('rm', '-f', '-v', `${name}-${suffix}`)
    await docker('rmi', '-f', image, base)
    await dropBucket(bucket)
    await sweep('all', '')
  })
  await buildBase(t)
  await docker(
    'build',
    '--network',
    'host',
    '--build-arg',
    `BASE_IMAGE=${base}`,
    '--tag',
    image,
    '.',
  )
  const { stdout: size } = await docker('inspect', '--format', '{{.Size}}', image)
  const { stdout: below } = await docker('inspect', '--format', '{{.Size}}', base)
  const { stdout: who } = await docker('run', '--rm', '--entrypoint', 'id', image, '-u')
  const set = secretsIn(folder(t), {
    neo4j_password: neo4jPlace().password,
    s3_access_key: bucket.accessKey,
    s3_secret_key: bucket.secretKey,
  })
  const [port, way] = [String(await freePort()), `127.0.0.1:${await freePort()}`]
  const url = `http://127.0.0.1:${port}`
  const secret = (name: string) => `/run/secrets/${name}`
  const worked = folder(t)
  const start = (name: string, options: string[], env: Record<string, string>, command: string[]) =>
    docker(
      ...['run', '--detach', '--init', '--name', `${name}-${suffix}`, '--network', 'host'],
      ...['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL'],
      ...options,
      ...Object.keys(MAKERS).flatMap(one => [
        '--volume',
        `${set.folder}/secrets/${one}:${secret(one)}:ro`,
      ]),
      ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      ...[image, ...command],
    )

  await start(
    'server',
    ['--volume', '/var/lib/kaos', '--health-interval', '1s'],
    {
      KAOS_PORT: port,
      KAOS_BEHIND_PROXY: '1',
      KAOS_RUNNER: 'docker',
      KAOS_BASE_IMAGE: small,
      KAOS_ADMIN_TOKEN_FILE: secret('admin_token'),
      KAOS_ENROL_TOKEN_FILE: secret('worker_token'),
      KAOS_ENROL_ADDRESS: `http://${way}`,
      KAOS_SECRET_KEY_FILE: secret('secret_key'),
      KAOS_NEO4J_URL: neo4jPlace().url,
      KAOS_NEO4J_PASSWORD_FILE: secret('neo4j_password'),
      KAOS_S3_ENDPOINT: bucket.endpoint,
      KAOS_S3_BUCKET: bucket.bucket,
      KAOS_S3_ACCESS_KEY_FILE: secret('s3_access_key'),
      KAOS_S3_SECRET_KEY_FILE: secret('s3_secret_key'),
      KAOS_REDIS_URL: needed('KAOS_TEST_REDIS_URL'),
    },
    ['up', '--no-worker'],
  )
  await untilHealthy(`server-${suffix}`)
  await start(
    'worker',
    [
      ...[
        '--user',
        '0:0',
        '--cap-add',
        'CHOWN',
        '--cap-add',
        'DAC_OVERRIDE',
        '--cap-add',
        'FOWNER',
      ],
      ...['--volume', `${socket}:/var/run/docker.sock`, '--volume', `${worked}:${worked}`],
      '--no-healthcheck',
    ],
    {
      KAOS_SERVER: url,
      KAOS_WORKER_TOKEN_FILE: secret('worker_token'),
      KAOS_WORKER_LISTEN: way,
      KAOS_WORKER_ADDRESS: `http://${way}`,
      KAOS_DATA: worked,
      KAOS_RUNNER: 'docker',
    },
    ['worker'],
  )
  const { answer } = await walkthroughOver(t, { url, token: set.secret('admin_token') })

  assert.deepEqual(answer, { result: [3] })
  assert.equal(who.trim(), '10001')
  const added = Number(size) - Number(below)
  assert.ok(added < 250 * 1024 * 1024, `kaos adds ${added} bytes to its base`)
})
