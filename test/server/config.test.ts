import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import test from 'node:test'
import { loadSettings } from '../../server/config.ts'
import { atEnd, tempFolder } from './open.ts'

/** No engine of this machine answers. */
const NO_ENGINE = { KAOS_DOCKER_SOCKET: '/nonexistent/docker.sock' }

test('without any setting a server listens on loopback and serves its own user', async () => {
  const settings = await loadSettings([], { ...NO_ENGINE, XDG_DATA_HOME: '/home/jf/data' })

  assert.partialDeepStrictEqual(settings, {
    host: '127.0.0.1',
    port: 8080,
    data: '/home/jf/data/kaos',
    runner: 'process',
    slots: 2,
    readyTimeoutMs: 120_000,
    local: true,
  })
  assert.ok(Object.isFrozen(settings))
})

test('a flag wins over a variable', async () => {
  const env = { ...NO_ENGINE, KAOS_PORT: '9000', KAOS_SLOTS: '4', KAOS_DATA: '/a' }

  const settings = await loadSettings(['--port', '0', '--data=/b'], env)

  assert.partialDeepStrictEqual(settings, { port: 0, slots: 4, data: '/b' })
})

test('what manifests may name beside public addresses is a list', async () => {
  const env = { ...NO_ENGINE, KAOS_INGEST_ALLOW: '10.0.0.0/8, data.internal' }

  const settings = await loadSettings([], env)

  assert.deepEqual(settings.ingestAllow, ['10.0.0.0/8', 'data.internal'])
  assert.deepEqual((await loadSettings([], NO_ENGINE)).ingestAllow, [])
})

test('docker is taken where an engine answers', async t => {
  const socket = join(await tempFolder(t), 'docker.sock')
  const engine = createServer((_request, response) => response.end('OK')).listen(socket)
  await once(engine, 'listening')
  atEnd(t, () => new Promise(resolve => engine.close(resolve)))

  const found = await loadSettings([], { KAOS_DOCKER_SOCKET: socket })
  const byHost = await loadSettings([], { DOCKER_HOST: `unix://${socket}` })
  const chosen = await loadSettings(['--runner', 'process'], { KAOS_DOCKER_SOCKET: socket })

  assert.equal(found.runner, 'docker')
  assert.partialDeepStrictEqual(byHost, { runner: 'docker', dockerSocket: socket })
  assert.equal(chosen.runner, 'process')
})

test('every bad value names the flag or variable and what is allowed', async () => {
  const refused = async (argv: string[], env: Record<string, string>, message: RegExp) => {
    const loading = loadSettings(argv, { ...NO_ENGINE, ...env })
    await assert.rejects(loading, { code: 'CONFIGURATION', message })
  }

  await refused(['--port', '99999'], {}, /^--port is "99999"; allowed: 0 to 65535/)
  await refused([], { KAOS_PORT: 'http' }, /^KAOS_PORT is "http"; allowed/)
  await refused([], { KAOS_SLOTS: '0' }, /^KAOS_SLOTS is "0"; allowed: 1 to 1024/)
  await refused([], { KAOS_INGEST_ALLOW: '10.0.0.0/8,a b' }, /^KAOS_INGEST_ALLOW .* host names/)
  await refused([], { KAOS_RUNNER: 'nomad' }, /^KAOS_RUNNER .* process, docker or kubernetes/)
  await refused([], { KAOS_READY_TIMEOUT: '2m' }, /^KAOS_READY_TIMEOUT .*seconds/)
  await refused([], { KAOS_BEHIND_PROXY: 'maybe' }, /^KAOS_BEHIND_PROXY .* 1 or 0/)
  await refused(['--public-url', 'kaos.example'], {}, /^--public-url .* https:/)
  await refused(['--tls-cert', '/nonexistent.pem'], {}, /^--tls-cert .* PEM/)
  await refused([], { KAOS_DOCKER_SOCKET: '', DOCKER_HOST: 'ssh://x' }, /^DOCKER_HOST .*unix:/)
  await refused(['--prot', '1'], {}, /--prot.* the flags are --host --port/)
})

test('a host that others reach needs TLS or a proxy, and says how to begin', async t => {
  const shared = (env: Record<string, string>) =>
    loadSettings(['--host', '0.0.0.0'], { ...NO_ENGINE, KAOS_RUNNER: 'docker', ...env })
  const pem = join(await tempFolder(t), 'a.pem')
  await writeFile(pem, '')

  await assert.rejects(shared({}), (error: Error) => {
    assert.match(error.message, /--tls-cert and --tls-key, or --behind-proxy/)
    assert.match(error.message, /kaos up +\(with the same --data\)\n/)
    assert.match(error.message, /kaos admin user add NAME --role administrator/)
    assert.match(error.message, /kaos admin token create --user NAME/)
    return true
  })
  await assert.rejects(shared({ KAOS_TLS_CERT: pem }), /give both/)
  const secret = { KAOS_SECRET_KEY_FILE: pem }
  assert.equal((await shared({ KAOS_BEHIND_PROXY: '1', ...secret })).local, false)
  assert.equal((await shared({ KAOS_TLS_CERT: pem, KAOS_TLS_KEY: pem, ...secret })).local, false)
  await assert.rejects(shared({ KAOS_BEHIND_PROXY: '1' }), {
    message: /KAOS_SECRET_KEY_FILE; make one: openssl rand -hex 32/,
  })
})

test('a public address on a server without tokens is refused: everybody would be its administrator', async () => {
  const local = (url: string) => loadSettings(['--public-url', url], NO_ENGINE)

  await assert.rejects(local('https://kaos.example.com'), { message: /--behind-proxy/ })
  assert.equal((await local('http://localhost:8080')).local, true)
  assert.equal((await local('http://[::1]:8080')).local, true)
})

test('programs without isolation do not run for several users unless somebody says so', async t => {
  const secret = join(await tempFolder(t), 'secret.key')
  await writeFile(secret, '')
  const fixed = { ...NO_ENGINE, KAOS_RUNNER: 'process', KAOS_SECRET_KEY_FILE: secret }
  const proxied = (env: Record<string, string>) =>
    loadSettings(['--behind-proxy'], { ...fixed, ...env })

  await assert.rejects(proxied({}), { message: /KAOS_ALLOW_PROCESS_RUNNER=1/ })
  const allowed = await proxied({ KAOS_ALLOW_PROCESS_RUNNER: '1' })

  assert.equal(allowed.local, false)
})

test('the password of Redis may lie in a file, and goes into the address', async t => {
  const file = join(await tempFolder(t), 'password')
  await writeFile(file, 'a b/c\n')
  const env = { ...NO_ENGINE, KAOS_REDIS_PASSWORD_FILE: file }

  const settings = await loadSettings([], { ...env, KAOS_REDIS_URL: 'redis://cache:6379/1' })

  assert.equal(settings.redis, 'redis://:a%20b%2Fc@cache:6379/1')
  await assert.rejects(loadSettings([], env), /of no use without KAOS_REDIS_URL/)
  const twice = { ...env, KAOS_REDIS_URL: 'redis://:other@cache:6379' }
  await assert.rejects(loadSettings([], twice), /leave one of them out/)
})
