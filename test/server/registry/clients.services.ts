/* The registry with the programs that people have: a Docker Engine, crane, regctl. The server asks
 * everybody for a token, as a shared one does. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type TestContext } from 'node:test'
import Dockerode from 'dockerode'
import { pack } from 'tar-stream'
import { cli, type Done, folder, run, startServer, template } from '../../e2e/kaos.ts'
import { post } from '../sending.ts'

/** A variable that `npm run test:services` must have: without it the suite fails. */
function needed(name: string): string {
  const value = process.env[name]
  assert.ok(value, `${name} is not set: it names a program or an engine that this test talks to`)
  return value
}

const SHARED = { KAOS_BEHIND_PROXY: '1', KAOS_ALLOW_PROCESS_RUNNER: '1' }

interface Scene {
  /** 127.0.0.1:<port> */
  readonly host: string
  readonly token: string
  /** Who may only read. */
  readonly viewer: string
}

async function shared(t: TestContext): Promise<Scene> {
  const data = folder(t)
  const first = await startServer(data)
  await post(`${first.url}/api/v1/workspaces`, { name: 'mnist' })
  const tokens: string[] = []
  // The server asks for tokens only if an administrator has one.
  for (const role of ['contributor', 'viewer', 'administrator']) {
    await post(`${first.url}/api/v1/admin/users`, { name: role, role })
    const made = await post(`${first.url}/api/v1/admin/tokens`, { user: role })
    tokens.push(((await made.json()) as { token: string }).token)
  }
  await first.stop()
  const server = await startServer(data, {
    env: { ...SHARED, KAOS_SECRET_KEY_FILE: `${data}/secret.key` },
  })
  t.after(() => server.stop())
  return { host: new URL(server.url).host, token: tokens[0]!, viewer: tokens[1]! }
}

test('a Docker Engine logs in, pushes and pulls, and pushes nothing without the right', async t => {
  const docker = new Dockerode({ socketPath: needed('KAOS_TEST_DOCKER_SOCKET') })
  const { host, token, viewer } = await shared(t)
  const auth = { username: 'me', password: token, serveraddress: host }
  const [name, other] = [`${host}/mnist/app`, `${host}/mnist/other`]
  const bytes = randomBytes(2_000_000)
  const id = await buildImage(docker, `${name}:v1`, bytes)
  t.after(() => removeImages(docker, [`${name}:v1`, `${name}:v2`, `${other}:v1`]))

  const login = await docker.checkAuth(auth)
  await assert.rejects(docker.checkAuth({ ...auth, password: 'kaos_wrong' }), /401|unauthorized/i)
  const pushed = await push(docker, `${name}:v1`, auth)
  await docker.getImage(`${name}:v1`).tag({ repo: other, tag: 'v1' })
  const mounted = await push(docker, `${other}:v1`, auth)
  await docker.getImage(`${name}:v1`).tag({ repo: name, tag: 'v2' })
  const refused = push(docker, `${name}:v2`, { ...auth, password: viewer })
  await assert.rejects(refused, /denied|write/)
  await removeImages(docker, [`${name}:v1`, `${name}:v2`, `${other}:v1`])
  await pull(docker, `${other}:v1`, { ...auth, password: viewer })

  assert.match(login.Status, /Succeeded/)
  assert.match(mounted, /Mounted from/)
  const back = await docker.getImage(`${other}:v1`).inspect()
  assert.equal(back.Id, id)
  const [, digest] = /digest: (sha256:[0-9a-f]{64})/.exec(pushed) ?? []
  assert.deepEqual(back.RepoDigests, [`${other}@${digest}`])
})

test('an image that kaos built is pulled by an engine, pinned by its digest', async t => {
  const docker = new Dockerode({ socketPath: needed('KAOS_TEST_DOCKER_SOCKET') })
  const env = {
    KAOS_RUNNER: 'docker',
    KAOS_DOCKER_SOCKET: needed('KAOS_TEST_DOCKER_SOCKET'),
    KAOS_BASE_IMAGE: needed('KAOS_TEST_SMALL_IMAGE'),
  }
  const server = await startServer(folder(t), { env })
  t.after(() => server.stop())
  const { host } = new URL(server.url)
  const work = folder(t)
  const kaos = cli(work)
  template('mnist', join(work, 'mnist'))
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'mnist')
  const source = ['-s', 'mnist/model-train', '-d', 'mnist/data']
  const deployed = await kaos('train', 'deploy', ...source, '--wait')
  assert.equal(deployed.code, 0, deployed.stdout + deployed.stderr)

  const { tags } = await json(`${server.url}/v2/mnist/build-train-mnist/tags/list`)
  const answer = await fetch(`${server.url}/v2/mnist/build-train-mnist/manifests/${tags[0]}`)
  const digest = String(answer.headers.get('docker-content-digest'))
  const name = `${host}/mnist/build-train-mnist:${tags[0]}`
  const built = [`build-train-mnist:${tags[0]}`, `kaos/pin:${digest.slice(7)}`]
  t.after(() => removeImages(docker, [name, ...built]))
  await pull(docker, name, undefined)

  const { repositories } = await json(`${server.url}/v2/_catalog`)
  assert.ok(repositories.includes('mnist/build-train-mnist'))
  const image = await docker.getImage(name).inspect()
  assert.deepEqual(
    image.RepoDigests.filter(one => one.startsWith(host)),
    [`${host}/mnist/build-train-mnist@${digest}`],
  )
})

test('crane appends, copies, lists, pulls and deletes', async t => {
  const { host, token } = await shared(t)
  const home = folder(t)
  const crane = programIn(home, needed('KAOS_TEST_CRANE'))
  await archive(join(home, 'layer.tar'), randomBytes(3_000_000))
  const image = `${host}/mnist/app`

  await crane('auth', 'login', host, '-u', 'x', '-p', token, '--insecure')
  await crane('append', '-f', 'layer.tar', '-t', `${image}:v1`, '--insecure')
  await crane('copy', `${image}:v1`, `${host}/mnist/copy:v9`, '--insecure')
  await crane('tag', `${image}:v1`, 'again', '--insecure')
  const digest = (await crane('digest', `${image}:v1`, '--insecure')).stdout.trim()
  const tags = (await crane('ls', image, '--insecure')).stdout.trim().split('\n')
  const names = (await crane('catalog', host, '--insecure')).stdout.trim().split('\n')
  await crane('pull', `${host}/mnist/copy:v9`, 'out.tar', '--insecure')
  await crane('delete', `${image}@${digest}`, '--insecure')

  assert.deepEqual(tags, ['again', 'v1'])
  assert.deepEqual(names, ['mnist/app', 'mnist/copy'])
  assert.ok(readFileSync(join(home, 'out.tar')).length > 3_000_000)
  const copy = (await crane('digest', `${host}/mnist/copy:v9`, '--insecure')).stdout.trim()
  assert.equal(copy, digest)
  const left = (await crane('catalog', host, '--insecure')).stdout.trim()
  assert.equal(left, 'mnist/copy')
})

test('regctl makes images without layers, keeps artifacts, finds what refers to them', async t => {
  const { host, token } = await shared(t)
  const home = folder(t)
  const regctl = programIn(home, needed('KAOS_TEST_REGCTL'))
  const bytes = randomBytes(5_000_000)
  writeFileSync(join(home, 'big.bin'), bytes)
  const notes = `${host}/mnist/notes`
  const put = ['artifact', 'put', '-f', 'big.bin', '--artifact-type']

  await regctl('registry', 'set', host, '--tls', 'disabled', '--skip-check')
  await regctl('registry', 'login', host, '-u', 'x', '-p', token)
  await regctl('image', 'create', `${host}/mnist/empty:v1`)
  await regctl(...put, 'application/x.note', `${notes}:v1`)
  await regctl(...put, 'application/x.sig', '--subject', `${notes}:v1`)
  await regctl('image', 'copy', `${notes}:v1`, `${notes}:v2`, '--referrers')
  const listed = await regctl('artifact', 'list', `${notes}:v1`)
  const tags = (await regctl('tag', 'ls', notes)).stdout.trim().split('\n')
  mkdirSync(join(home, 'out'))
  await regctl('artifact', 'get', `${notes}:v2`, '--output', 'out')
  await regctl('tag', 'rm', `${notes}:v1`)

  const empty = await regctl(
    ...['manifest', 'get', `${host}/mnist/empty:v1`, '--format', 'raw-body'],
  )
  assert.equal(JSON.parse(empty.stdout).layers, null)
  assert.match(listed.stdout, /application\/x\.sig/)
  assert.deepEqual(tags, ['v1', 'v2'])
  const [file = ''] = readdirSync(join(home, 'out'))
  assert.ok(readFileSync(join(home, 'out', file)).equals(bytes))
  assert.equal((await regctl('tag', 'ls', notes)).stdout.trim(), 'v2')
})

type Auth = { username: string; password: string; serveraddress: string } | undefined

/** An image of one file. Answers its id. */
async function buildImage(docker: Dockerode, name: string, bytes: Buffer): Promise<string> {
  const context = pack()
  context.entry({ name: 'Dockerfile' }, 'FROM scratch\nCOPY file /file\n')
  context.entry({ name: 'file' }, bytes)
  context.finalize()
  await ended(docker, await docker.buildImage(Readable.from(context), { t: name }))
  return (await docker.getImage(name).inspect()).Id
}

async function push(docker: Dockerode, name: string, authconfig: Auth): Promise<string> {
  return ended(docker, await docker.getImage(name).push({ authconfig }))
}

async function pull(docker: Dockerode, name: string, authconfig: Auth): Promise<string> {
  return ended(docker, await docker.pull(name, authconfig ? { authconfig } : {}))
}

/** What the engine says until it has done; rejects with its error. */
function ended(docker: Dockerode, stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(stream, (broken, lines) => {
      const error = broken?.message ?? lines.find(line => line.error)?.error
      if (error) return reject(new Error(error))
      resolve(lines.map(({ status, stream: text }) => status ?? text ?? '').join('\n'))
    })
  })
}

async function removeImages(docker: Dockerode, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await docker
      .getImage(name)
      .remove({ force: true })
      .catch(error => {
        if (error.statusCode !== 404) throw error
      })
  }
}

/** A client with a home of its own; a run that fails is a failure of the test. */
function programIn(home: string, file: string) {
  return async (...args: string[]): Promise<Done> => {
    const done = await run(file, args, { cwd: home, env: { HOME: home, DOCKER_CONFIG: home } })
    assert.equal(done.code, 0, `${file} ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
    return done
  }
}

async function archive(path: string, bytes: Buffer): Promise<void> {
  const tar = pack()
  tar.entry({ name: 'data/file.bin' }, bytes)
  tar.finalize()
  writeFileSync(path, Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Buffer>)))
}

// biome-ignore lint/suspicious/noExplicitAny: what another program's protocol answers
async function json(url: string): Promise<any> {
  return (await fetch(url)).json()
}
