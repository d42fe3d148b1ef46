import assert from 'node:assert/strict'
import test from 'node:test'
import type { GcRun, PushView } from '../../../api/wire.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { openScene, type Scene } from './scene.ts'

const LARGE = { 'a.csv': 'a'.repeat(100), 'large.bin': Buffer.alloc(300_000, 'x') }

async function open(t: test.TestContext): Promise<Scene> {
  return openScene(t, { store: await openMemoryStore() })
}

test('a collection takes what a removed version alone had, and leaves what others share', async t => {
  const scene = await open(t)
  const first = await scene.push('features', { ...LARGE, 'old.bin': Buffer.alloc(50_000, 1) })
  const second = await scene.push('features', { ...LARGE, 'new.bin': Buffer.alloc(50_000, 2) })
  await scene.remove('features', 1)

  const run = await scene.collect()

  assert.equal(run.state, 'done', run.error ?? '')
  assert.ok(run.going.objects > 0)
  assert.equal(await scene.content(first.version.entity), 404)
  assert.equal(await scene.content(second.version.entity), 200)
})

test('a dry run says what would go, by workspace and entity, and takes nothing', async t => {
  const scene = await open(t)
  const pushed = await scene.push('features', LARGE)
  await scene.send({ 'never/became.bin': Buffer.alloc(40_000, 'n') }, 'other')
  await scene.remove('features', 1)
  const { objects } = await scene.parts.store.stats()

  const run = await scene.collect({ dryRun: true })

  assert.equal(run.state, 'done')
  assert.equal(run.entities[0]?.entity, pushed.version.entity)
  assert.equal(run.entities[0]?.workspace, 'mnist')
  assert.ok((run.entities[0]?.bytes ?? 0) > 300_000)
  assert.deepEqual(
    run.workspaces.map(({ workspace, entities }) => [workspace, entities]),
    [['mnist', 1]],
  )
  assert.equal(run.first.length, run.going.objects)
  assert.equal((await scene.parts.store.stats()).objects, objects)
  assert.equal(await scene.content(pushed.version.entity), 200)
})

test('what is young, tagged, in force or in an upload under way stays', async t => {
  const scene = await open(t)
  const kept: PushView[] = []
  for (const name of ['young', 'tagged', 'used']) {
    kept.push(await scene.push(name, { [name]: Buffer.alloc(20_000, name) }))
  }
  const [young, tagged, used] = kept as [PushView, PushView, PushView]
  await scene.ask('POST', '/workspaces/mnist/repositories/other/tags', {
    reference: 'tagged',
    kind: 'data',
    tags: ['clean'],
  })
  await scene.ask('POST', '/workspaces/mnist/train', { data: used.version.entity })
  for (const name of ['tagged', 'used']) await scene.remove(name, 1)
  const { upload, tree } = await scene.send({ 'under/way.bin': Buffer.alloc(20_000, 'w') })

  await scene.collect()
  await scene.remove('young', 1)
  await scene.collect({ graceSeconds: 3600 })

  for (const { version } of [young, tagged, used]) {
    assert.equal(await scene.content(version.entity), 200, version.entity)
  }
  const order = { upload, tree, kind: 'data', folder: 'later' }
  await scene.ask('POST', '/workspaces/mnist/repositories', order)
})

test('what a job used stays although nothing names it any more', async t => {
  const scene = await open(t)
  const { version } = await scene.push('features', LARGE)
  const { ledger, people } = scene.parts
  const node = (await ledger.node(version.entity))!
  const activity = 'a'.repeat(32)
  await ledger.commit({
    actor: people.local.id,
    organisation: node.organisation,
    statements: [
      {
        type: 'train.submitted',
        workspace: node.workspace!,
        nodes: [
          {
            id: activity,
            class: 'activity',
            kind: 'train',
            workspace: node.workspace!,
            attributes: {},
          },
        ],
        edges: [{ from: activity, relation: 'used', to: node.id, role: 'data' }],
      },
    ],
  })
  await scene.remove('features', 1)

  const run = await scene.collect()

  assert.equal(run.going.objects, 0)
  assert.equal(await scene.content(version.entity), 200)
})

test('every collection is a fact with its counts, and shows how it ended', async t => {
  const scene = await open(t)
  await scene.push('features', LARGE)
  await scene.remove('features', 1)

  const run = await scene.collect()

  const { ledger } = scene.parts
  const { size } = await ledger.head()
  const [last] = await ledger.log(size - 1, 1)
  const { type, detail } = JSON.parse(last?.payload ?? '{}')
  assert.equal(type, 'store.collected')
  assert.deepEqual(detail.going, run.going)
  assert.equal(run.phase, 'compacting')
  assert.ok(run.finishedAt)
})

test('nothing goes while a kept folder cannot be read: what it names is not known', async t => {
  const objects = new Map()
  const scene = await openScene(t, { store: await openMemoryStore(objects) })
  const { version } = await scene.push('features', LARGE)
  const node = (await scene.parts.ledger.node(version.entity))!
  const bytes: Buffer = objects.get(node.digest)
  const right = Buffer.from(bytes)
  bytes[20] = bytes[20]! ^ 1
  await scene.push('gone', { 'b.bin': Buffer.alloc(20_000, 'b') })
  await scene.remove('gone', 1)

  const run = await scene.collect()

  assert.equal(run.state, 'failed')
  assert.match(run.error ?? '', /data features:\w+ cannot be read.*kaos admin fsck/)
  await scene.parts.store.put([right])
  assert.equal((await scene.collect()).state, 'done')
})

test('two collections do not run at once', async t => {
  const scene = await open(t)
  await scene.push('features', LARGE)
  await scene.ask('POST', '/admin/gc', {})

  const second = await scene.call<{ code: string }>('POST', '/admin/gc', {})

  assert.equal(second.status, 409)
  assert.equal(second.body.code, 'CONFLICT')
  await scene.ended(async () => (await scene.ask<{ run: GcRun }>('GET', '/admin/gc')).run)
})
