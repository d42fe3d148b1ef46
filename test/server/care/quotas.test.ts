import assert from 'node:assert/strict'
import test from 'node:test'
import { FRAMES_TYPE } from '../../../api/transfer/protocol.ts'
import type { QuotaView, StatsView } from '../../../api/wire.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { framesOf, openScene, type Scene } from './scene.ts'

interface Refusal {
  code: string
  data: { limit: number; used: number; requested: number }
}

const KB = 1000

async function open(t: test.TestContext): Promise<Scene> {
  return openScene(t, { store: await openMemoryStore() })
}

function quota(scene: Scene, bytes: number): Promise<QuotaView> {
  return scene.ask('POST', '/admin/quotas', { workspace: 'mnist', bytes })
}

async function upload(scene: Scene, bytes: number, text: string) {
  const { upload } = await scene.ask<{ upload: string }>('POST', '/workspaces/mnist/uploads', {})
  const { frames } = await framesOf({ 'file.bin': Buffer.alloc(bytes, text) })
  const path = `/workspaces/mnist/uploads/${upload}/objects`
  const headers = { 'content-type': FRAMES_TYPE, 'content-length': String(frames.length) }
  return { size: frames.length, ...(await scene.call<Refusal>('POST', path, frames, headers)) }
}

test('what does not fit is refused before it is read, with limit, used and requested', async t => {
  const scene = await open(t)
  await scene.push('features', { 'a.bin': Buffer.alloc(60 * KB, 'a') })
  const { usedBytes } = await quota(scene, 100 * KB)

  const { status, body, size } = await upload(scene, 50 * KB, 'b')

  assert.equal(status, 403)
  assert.equal(body.code, 'QUOTA_EXCEEDED')
  assert.deepEqual(body.data, { limit: 100 * KB, used: usedBytes, requested: size })
  assert.ok(usedBytes > 60 * KB && usedBytes < 61 * KB)
})

test('uploads at the same time cannot pass the limit together', async t => {
  const scene = await open(t)
  await quota(scene, 105 * KB)

  const all = await Promise.all(
    Array.from({ length: 10 }, (_, n) => upload(scene, 20 * KB, String.fromCharCode(97 + n))),
  )

  const taken = all.filter(one => one.status === 200)
  assert.equal(taken.length, 5)
  assert.deepEqual([...new Set(all.map(one => one.status))].sort(), [200, 403])
  const { quotas } = await scene.ask<{ quotas: QuotaView[] }>('GET', '/admin/quotas')
  assert.equal(
    quotas[0]?.usedBytes,
    taken.reduce((sum, one) => sum + one.size, 0),
  )
  assert.equal(quotas[0]?.heldBytes, 0)
})

test('a collection gives room back to the workspace whose content went', async t => {
  const scene = await open(t)
  await scene.push('features', { 'a.bin': Buffer.alloc(60 * KB, 'a') })
  await quota(scene, 100 * KB)
  await scene.remove('features', 1)
  assert.equal((await upload(scene, 60 * KB, 'b')).status, 403)

  await scene.collect()

  assert.equal((await upload(scene, 60 * KB, 'b')).status, 200)
})

test('room set aside by an upload that died is free again after a while', async t => {
  const scene = await open(t)
  await quota(scene, 100 * KB)
  const { quotas, workspaces, people } = scene.parts
  const { id } = await workspaces.find(people.local, 'mnist')
  const dead = await quotas.reserve(id, 90 * KB)
  assert.equal((await upload(scene, 50 * KB, 'a')).status, 403)

  scene.test.clock.now += 11 * 60_000

  assert.equal((await upload(scene, 50 * KB, 'a')).status, 200)
  await dead.release()
})

test('without a quota a workspace takes what it needs, and other workspaces are not counted', async t => {
  const scene = await open(t)
  await quota(scene, 10 * KB)

  const other = await scene.push('features', { a: Buffer.alloc(90 * KB, 'a') }, { ws: 'other' })
  await scene.ask('DELETE', '/admin/quotas/mnist')
  const { status } = await upload(scene, 90 * KB, 'b')

  assert.equal(other.unchanged, false)
  assert.equal(status, 200)
  assert.deepEqual(await scene.ask('GET', '/admin/quotas'), { quotas: [] })
})

test('stats tell logical and stored bytes, what sharing saves, and each workspace', async t => {
  const scene = await open(t)
  const file = Buffer.alloc(200 * KB, 'a')
  await scene.push('features', { 'a.bin': file })
  await scene.push('features', { 'a.bin': file, 'b.csv': '1' })
  await scene.push('copy', { 'a.bin': file }, { ws: 'other' })
  await quota(scene, 1_000 * KB)

  const stats = await scene.ask<StatsView>('GET', '/admin/stats?fresh=true')
  const mnist = await scene.ask<StatsView>('GET', '/admin/stats?workspace=mnist')

  assert.equal(stats.entities, 3)
  assert.equal(stats.logicalBytes, 600 * KB + 1)
  assert.ok(stats.storedBytes < 250 * KB)
  assert.ok(stats.savedBytes > 350 * KB)
  assert.equal(stats.damaged, 0)
  const named = Object.fromEntries(stats.workspaces.map(row => [row.workspace, row]))
  assert.equal(named.mnist?.logicalBytes, 400 * KB + 1)
  assert.equal(named.mnist?.quotaBytes, 1_000 * KB)
  assert.equal(named.other?.logicalBytes, 200 * KB)
  assert.equal(mnist.logicalBytes, 400 * KB + 1)
  assert.equal(mnist.workspaces.length, 1)
})
