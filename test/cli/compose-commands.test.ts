/* What kaos build deploy and destroy say before they change anything. A small program stands where
 * docker would, and answers as engines do that are missing, too old or elsewhere; a real one is asked
 * in test/e2e/compose.services.ts. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { MAKERS, Place } from '../../cli/compose/place.ts'
import { readState } from '../../cli/state.ts'
import { cli, folder } from '../e2e/kaos.ts'

interface Answers {
  engine?: string
  compose?: string
  host?: string
  up?: string
}

/** A folder with a docker command that answers so, and the kaos command with that alone. */
function withDocker(t: TestContext, { engine, compose, host, up = 'exit 0' }: Answers) {
  const work = folder(t)
  const bin = join(work, 'bin')
  mkdirSync(bin)
  const failing = 'echo "Cannot connect to the Docker daemon" >&2; exit 1'
  const script = `#!/bin/sh
case "$*" in
  version*) ${engine === undefined ? failing : `echo ${engine}`} ;;
  "compose version"*) ${compose === undefined ? 'exit 1' : `echo ${compose}`} ;;
  "context inspect"*) echo ${host ?? 'unix:///var/run/docker.sock'} ;;
  compose*" up "*) ${up} ;;
esac
`
  writeFileSync(join(bin, 'docker'), script)
  chmodSync(join(bin, 'docker'), 0o755)
  const kaos = cli(work, { PATH: `${bin}:/usr/bin:/bin`, DOCKER_HOST: '' })
  return { work, kaos }
}

const SOUND = { engine: '28.2.2', compose: '2.40.3' }

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('an engine or compose that is missing, too old or elsewhere is said with what to do', async t => {
  const cases: [Answers, RegExp][] = [
    [{}, /does not answer \(Cannot connect to the Docker daemon\); start it/],
    [{ engine: '19.03.1' }, /the Docker Engine 19\.03\.1 is too old; version 20\.10 or newer/],
    [{ engine: '28.2.2' }, /has no compose; install the plugin/],
    [{ engine: '28.2.2', compose: '2.3.3' }, /docker compose 2\.3\.3 is too old; version 2\.20/],
    [{ ...SOUND, host: 'ssh://me@there' }, /the Docker Engine is elsewhere \(ssh:\/\/me@there\)/],
  ]

  for (const [answers, expected] of cases) {
    const { work, kaos } = withDocker(t, answers)
    const done = await kaos('build', 'deploy', '-c', 'DOCKER')

    assert.equal(done.code, 2, done.stderr)
    assert.match(done.stderr, expected)
    assert.deepEqual(readdirSync(work), ['bin'], 'nothing is written')
  }
})

test('the places of the original that are no more name the way there', async t => {
  const { kaos } = withDocker(t, SOUND)

  const aws = await kaos('build', 'deploy', '-c', 'AWS', '-e', 'prod', '-l', '-y')
  const gone = await kaos('destroy', '-c', 'GCP')
  const unknown = await kaos('build', 'deploy', '-c', 'MOON')

  assert.match(aws.stderr, /does not deploy on AWS by Terraform: .*docs\/kubernetes\.md/)
  assert.match(gone.stderr, /does not destroy on GCP by Terraform: .*docs\/kubernetes\.md/)
  assert.match(unknown.stderr, /there is no MOON; give DOCKER, MINIKUBE, AWS, GCP/)
  assert.deepEqual([aws.code, gone.code, unknown.code], [2, 2, 2])
})

test('a port that is taken is named before anything is written', async t => {
  const { work, kaos } = withDocker(t, SOUND)
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo

  const done = await kaos('build', 'deploy', '-c', 'DOCKER', '--port', String(port))

  assert.match(done.stderr, new RegExp(`the port ${port} of 127\\.0\\.0\\.1 is in use; .*--port`))
  assert.equal(existsSync(join(work, 'kaos-docker')), false)
})

test('a set-up is a folder with secrets of its own and the active context; another time they stay', async t => {
  const { work, kaos } = withDocker(t, SOUND)
  const deploy = ['build', 'deploy', '-c', 'docker', '--port', String(await freePort())]

  const first = await kaos(...deploy)
  const place = new Place(join(work, 'kaos-docker'))
  const made = Object.keys(MAKERS).map(name => place.secret(name))
  const second = await kaos(...deploy, '--yes', '--public_url', 'https://kaos.example.org')

  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /Next: +kaos workspace create/)
  assert.equal(new Set(made).size, made.length)
  assert.equal(second.code, 0, second.stderr)
  assert.match(second.stderr, /its secrets and data are kept/)
  assert.deepEqual(
    Object.keys(MAKERS).map(name => place.secret(name)),
    made,
  )
  assert.equal(place.settings.KAOS_PUBLIC_URL, 'https://kaos.example.org')
  const { active } = readState(join(work, '.kaos'))
  assert.partialDeepStrictEqual(active, {
    name: 'DOCKER',
    token: place.secret('admin_token'),
    folder: place.folder,
  })
  const listed = await kaos('build', 'list')
  assert.match(listed.stdout, /\| +0 +\| +DOCKER +\| +DOCKER +\| +local +\|/)
})

test('a set-up that does not come up is told with where to look, and is not made the context', async t => {
  const up = 'echo "container kaos-neo4j-1 is unhealthy" >&2; exit 1'
  const { work, kaos } = withDocker(t, { ...SOUND, up })

  const done = await kaos('build', 'deploy', '-c', 'DOCKER', '--port', String(await freePort()))

  assert.equal(done.code, 2)
  assert.match(done.stderr, /did not come up: container kaos-neo4j-1 is unhealthy\. .* logs/)
  assert.equal(existsSync(join(work, '.kaos')), false)
})

test('destroy asks, keeps secrets and data unless told otherwise, and forgets the context', async t => {
  const { work, kaos } = withDocker(t, SOUND)
  await kaos('build', 'deploy', '-c', 'DOCKER', '--port', String(await freePort()))
  const place = new Place(join(work, 'kaos-docker'))

  const asked = await kaos('destroy', '-c', 'DOCKER')
  const kept = await kaos('destroy', '-c', 'DOCKER', '--yes')
  const secrets = readdirSync(join(place.folder, 'secrets')).length
  const active = await kaos('build', 'active')
  const gone = await kaos('destroy', '-c', 'DOCKER', '--yes', '--volumes')

  assert.equal(asked.code, 1)
  assert.match(asked.stderr, /Take down kaos in .*kaos-docker\? \[y\/N\]/)
  assert.equal(kept.code, 0, kept.stderr)
  assert.match(kept.stdout, /kaos build deploy -c DOCKER --dir/)
  assert.equal(secrets, Object.keys(MAKERS).length)
  assert.equal(active.code, 1)
  assert.equal(gone.code, 0, gone.stderr)
  assert.equal(existsSync(place.folder), false)
})
