import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { newId } from '../../../api/ids.ts'
import { isOver } from '../../../server/care/held.ts'
import { notesOf } from '../../../server/transfer/notes.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { openRegistry, type TestRegistry } from '../registry/client.ts'
import { dvcFolder, openRemotes, pushFolder } from '../remotes.ts'
import { openScene, Scene } from './scene.ts'

const HOUR_MS = 3600_000

async function open(t: TestContext) {
  const registry = await openRegistry(t, { store: await openMemoryStore() })
  return { registry, scene: new Scene(registry) }
}

async function status(registry: TestRegistry, path: string): Promise<number> {
  return (await registry.call('GET', `/v2/mnist/app/${path}`)).statusCode
}

test('a blob that no manifest names goes after the grace, and can be pushed again', async t => {
  const { registry, scene } = await open(t)
  const { digest } = await registry.blob('mnist/app', 'x'.repeat(50_000))
  await scene.collect({ graceSeconds: 3600 })
  const young = await status(registry, `blobs/${digest}`)
  registry.clock.now += 2 * HOUR_MS

  const run = await scene.collect()

  assert.equal(young, 200)
  assert.equal(run.pruned.blobs, 1)
  assert.ok(run.going.bytes >= 50_000)
  assert.equal(await status(registry, `blobs/${digest}`), 404)
  await registry.blob('mnist/app', 'x'.repeat(50_000))
  assert.equal(await status(registry, `blobs/${digest}`), 200)
})

test('blobs that a manifest names stay, small and large, as long as it does', async t => {
  const { registry, scene } = await open(t)
  const layer = await registry.blob('mnist/app', 'y'.repeat(50_000))
  const { digest } = await registry.image('mnist/app', 'v1', { layers: [layer] })
  const { config } = (await registry.call('GET', `/v2/mnist/app/manifests/${digest}`)).json()
  registry.clock.now += 2 * HOUR_MS

  await scene.collect()
  const kept = [
    await status(registry, `manifests/${digest}`),
    await status(registry, `blobs/${layer.digest}`),
    await status(registry, `blobs/${config.digest}`),
  ]
  await registry.call('DELETE', `/v2/mnist/app/manifests/${digest}`)
  await scene.collect()

  assert.deepEqual(kept, [200, 200, 200])
  assert.equal(await status(registry, `blobs/${layer.digest}`), 404)
  assert.equal(await status(registry, `blobs/${config.digest}`), 404)
  assert.equal((await scene.fsck()).state, 'clean')
})

test('what is shown of a data set as a ModelKit can still be pulled after a collection', async t => {
  const { registry, scene } = await open(t)
  await scene.push('features', { 'a.csv': '1,2', 'b.bin': Buffer.alloc(40_000, 'b') })
  const shown = await registry.call('GET', '/v2/mnist/features/manifests/v1')
  const { config, layers } = shown.json()
  registry.clock.now += 2 * HOUR_MS

  await scene.collect()

  const digests = [config, ...layers].map((one: { digest: string }) => one.digest)
  for (const digest of digests) {
    const answer = await registry.call('GET', `/v2/mnist/features/blobs/${digest}`)
    assert.equal(answer.statusCode, 200, digest)
  }
})

test('notes of an upload that is over go; those of one under way stay', async t => {
  const scene = await openScene(t, { store: await openMemoryStore() })
  const { ledger, people } = scene.parts
  const { tree } = await scene.send({ 'going/on.bin': Buffer.alloc(20_000) })
  const old = notesOf(newId(), [tree], Date.now()).map(({ key, value }) => {
    const born = newId(Date.now() - 25 * HOUR_MS)
    return { key: `${key.slice(0, key.lastIndexOf('/') + 1)}${born}`, value }
  })
  await ledger.commit({ actor: people.local.id, organisation: 'default', records: old })

  const run = await scene.collect()

  assert.equal(run.pruned.sessions, 1)
  assert.equal((await ledger.records('sent/')).length, 1)
  assert.equal(run.going.objects, 0)
})

test('a session is over only when nothing tells of it and its last note is old', async t => {
  const scene = await openScene(t, { store: await openMemoryStore() })
  const { ledger } = scene.parts
  const { upload } = await scene.send({ a: '1' })
  const noteAt = (at: number) => {
    return { key: `sent/x/${newId(at)}`, value: null, version: 1 } as const
  }
  const now = Date.now()

  const known = await isOver(ledger, upload, [noteAt(now - 48 * HOUR_MS)], now)
  const fresh = await isOver(ledger, newId(), [noteAt(now - HOUR_MS)], now)
  const over = await isOver(ledger, newId(), [noteAt(now - 48 * HOUR_MS)], now)

  assert.deepEqual([known, fresh, over], [false, false, true])
})

test('a remote that was asked within the grace keeps what it said it has', async t => {
  const remotes = await openRemotes(t, { store: await openMemoryStore() })
  const scene = new Scene(remotes)
  const remote = `${remotes.base}/dvc/mnist/features`
  const folder = dvcFolder({ 'a.csv': '1', large: 'large '.repeat(20_000) })
  await pushFolder(remote, folder)
  await scene.remove('features', 1)
  const [place] = [...folder.files.keys()]
  const head = async () => (await fetch(`${remote}/${place}`, { method: 'HEAD' })).status
  remotes.clock.now += 5 * HOUR_MS
  const asked = await head()

  const run = await scene.collect({ graceSeconds: 3600 })
  const kept = await head()
  remotes.clock.now += 5 * HOUR_MS
  const later = await scene.collect({ graceSeconds: 3600 })

  assert.equal(asked, 200)
  assert.equal(run.pruned.remotes, 0)
  assert.equal(kept, 200)
  assert.ok(later.pruned.remotes > 0)
  assert.equal(await head(), 404)
})

test('objects that are brought again while a collection is at work stay', async t => {
  const inner = await openMemoryStore()
  let between: () => Promise<unknown> = async () => {}
  const compact = inner.compact.bind(inner)
  inner.compact = async share => {
    await between()
    return compact(share)
  }
  const remotes = await openRemotes(t, { store: inner })
  const scene = new Scene(remotes)
  const remote = `${remotes.base}/dvc/mnist/features`
  const folder = dvcFolder({ 'a.csv': '1', large: 'large '.repeat(20_000) })
  await pushFolder(remote, folder)
  await scene.remove('features', 1)
  remotes.clock.now += HOUR_MS
  between = () => pushFolder(remote, folder)

  await scene.collect()

  const places = [...folder.files.keys(), folder.list.place]
  const answers = await Promise.all(
    places.map(async one => (await fetch(`${remote}/${one}`)).status),
  )
  assert.deepEqual([...new Set(answers)], [200])
})
