import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { DoctorFinding, DoctorView } from '../../api/wire.ts'
import { lookAll } from '../../server/doctor/findings.ts'
import { hostLooks, type Probes } from '../../server/doctor/host.ts'
import { workersLook } from '../../server/doctor/parts.ts'
import { damageIn } from '../store/damage.ts'
import { openScene } from './care/scene.ts'
import { openTestApp, tempFolder, testSettings } from './open.ts'

const probes: Probes = {
  python: 'python3',
  askPython: async () => ({ path: '/usr/bin/python3', version: '3.13.1' }),
  tryAbilities: async () => ({ view: true, net: true }),
}

async function lookedAt(
  t: TestContext,
  change: Parameters<typeof testSettings>[1],
  other: Partial<Probes> = {},
): Promise<DoctorFinding[]> {
  const data = await tempFolder(t)
  await writeFile(join(data, 'secret.key'), 'k', { mode: 0o600 })
  const settings = testSettings(data, change)
  return lookAll(hostLooks(settings, { ...probes, ...other }, Date.now))
}

const of = (part: string, findings: readonly DoctorFinding[]) => {
  const found = findings.find(one => one.part === part)
  assert.ok(found, `nothing was said of ${part}`)
  return found
}

async function selfSigned(t: TestContext, days: number): Promise<{ cert: string; key: string }> {
  const folder = await tempFolder(t)
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const words = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=kaos.test']
  execFileSync('openssl', [...words, '-days', String(days), '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  return { cert, key }
}

test('a host on which nothing is wrong is said to be well', async t => {
  const findings = await lookedAt(t, {})

  assert.deepEqual(
    findings.filter(one => one.state !== 'good'),
    [],
  )
})

test('a disk below the reserve is bad, and it says how to make room', async t => {
  const findings = await lookedAt(t, { reserve: { share: 1, bytes: 0 } })

  const { state, what, mend } = of('data folder', findings)
  assert.equal(state, 'bad')
  assert.match(what, /writes are refused \(507\)/)
  assert.match(mend ?? '', /kaos admin gc/)
})

test('a secret key that others may read is a warning, and one that is missing is bad', async t => {
  const data = await tempFolder(t)
  const file = join(data, 'secret.key')
  await writeFile(file, 'k')
  await chmod(file, 0o644)
  const looks = hostLooks(testSettings(data, { secretKeyFile: file }), probes, Date.now)

  const open = of('secret key', await lookAll(looks))
  await rm(file)
  const missing = of('secret key', await lookAll(looks))

  assert.deepEqual([open.state, open.mend], ['warning', `chmod 600 ${file}`])
  assert.equal(missing.state, 'bad')
})

test('a certificate is told before it ends', async t => {
  const soon = await lookedAt(t, { tls: await selfSigned(t, 10) })
  const late = await lookedAt(t, { tls: await selfSigned(t, 100) })

  assert.equal(of('TLS certificate', soon).state, 'warning')
  assert.match(of('TLS certificate', soon).what, /CN=kaos.test .* ends in (9|10) days/)
  assert.equal(of('TLS certificate', late).state, 'good')
})

test('a host without Python or namespaces is told what that means', async t => {
  const none = await lookedAt(t, {}, { askPython: () => Promise.reject(new Error('no python3')) })
  const bare = await lookedAt(t, {}, { tryAbilities: async () => ({ view: false, net: false }) })

  assert.deepEqual([of('runner', none).state, of('runner', none).what], ['bad', 'no python3'])
  assert.equal(of('runner', bare).state, 'warning')
  assert.match(of('runner', bare).what, /must listen at PORT/)
})

test('a socket without an engine is bad for the docker runner', async t => {
  const findings = await lookedAt(t, { runner: 'docker', dockerSocket: '/nowhere/docker.sock' })

  assert.equal(of('runner', findings).state, 'bad')
  assert.match(of('runner', findings).mend ?? '', /KAOS_DOCKER_SOCKET/)
})

test('a server says of each part how it is, to administrators alone', async t => {
  const scene = await openScene(t)

  const { findings } = await scene.ask<DoctorView>('GET', '/admin/doctor')

  assert.deepEqual(new Set(findings.map(one => one.state)), new Set(['good', 'warning']))
  assert.match(of('ledger', findings).what, /SQLite file: \d+ statements/)
  const app = await openTestApp(t, { settings: { local: false } })
  const authorization = `Bearer ${await app.tokenOf('maintainer')}`
  const url = '/api/v1/admin/doctor'
  const refused = await app.app.inject({ method: 'GET', url, headers: { authorization } })
  assert.equal(refused.statusCode, 403)
})

test('damage in the store, and a clock behind the ledger’s, are found and can be mended', async t => {
  const scene = await openScene(t)
  await scene.push('features', { 'large.bin': Buffer.alloc(300_000, 'x') })
  const objects = await Array.fromAsync(scene.parts.store.list())
  await damageIn(join(scene.test.folder, 'store'), objects.find(one => one.size > 16_384)!.digest)
  await scene.fsck()
  scene.test.clock.now -= 3_600_000

  const { findings } = await scene.ask<DoctorView>('GET', '/admin/doctor')

  assert.equal(of('store', findings).state, 'bad')
  assert.match(of('store', findings).mend ?? '', /kaos admin fsck/)
  assert.equal(of('clock', findings).state, 'warning')
  assert.match(of('clock', findings).what, /3[56]\d\d seconds behind/)
})

test('no worker, a lost worker and one of another version are told', async () => {
  const worker = { name: 'gpu1', running: 0, lastHeard: '2026-11-30T00:00:00.000Z' }
  const look = (...views: object[]) => lookAll({ workers: workersLook(async () => views as never) })

  const none = await look()
  const several = await look(
    { ...worker, state: 'gone', version: '2.0.0' },
    { ...worker, state: 'ready', version: '1.0.0' },
    { ...worker, state: 'retired' },
  )

  assert.equal(none[0]?.state, 'bad')
  assert.deepEqual(
    several.map(one => one.state),
    ['bad', 'warning'],
  )
  assert.match(several[0]?.mend ?? '', /kaos admin worker retire gpu1/)
})

test('a part that fails is a finding, and the others are looked at all the same', async () => {
  const findings = await lookAll({
    one: () => Promise.reject(new Error('it burns')),
    other: async () => ({ part: 'other', state: 'good', what: 'well', mend: null }),
  })

  assert.deepEqual(
    findings.map(one => [one.part, one.state, one.what]),
    [
      ['one', 'bad', 'it burns'],
      ['other', 'good', 'well'],
    ],
  )
})
