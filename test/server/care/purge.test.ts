import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Digest } from '../../../api/digest.ts'
import type { GcRun, PurgeView } from '../../../api/wire.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { openScene, type Scene } from './scene.ts'

const SECRET = { 'people.csv': Buffer.alloc(30_000, 'names'), 'a.csv': '1' }

async function open(t: test.TestContext) {
  const objects = new Map<Digest, Uint8Array>()
  return { objects, scene: await openScene(t, { store: await openMemoryStore(objects) }) }
}

/** Purges, and waits until the bytes were looked for. */
async function purge(scene: Scene, reference: string, reason = 'it names people') {
  const body = { workspace: 'mnist', reference, reason }
  const view = await scene.ask<PurgeView>('POST', '/admin/purge', body)
  await scene.ended(async () => {
    const { run } = await scene.ask<{ run: GcRun | null }>('GET', '/admin/gc')
    return run ?? { state: 'running' }
  })
  return view
}

function holds(objects: Map<Digest, Uint8Array>, text: string): boolean {
  return [...objects.values()].some(bytes => Buffer.from(bytes).includes(text))
}

test('purged content is gone at once, and whoever asks for it is told by whom, when and why', async t => {
  const { objects, scene } = await open(t)
  const { version } = await scene.push('people', SECRET)
  await scene.ask('POST', '/workspaces/mnist/train', { data: version.entity })
  assert.ok(holds(objects, 'namesnames'))

  const view = await purge(scene, 'people@v1')

  assert.equal(view.entity, version.entity)
  assert.equal(view.by, 'tester')
  assert.ok(!holds(objects, 'namesnames'))
  const path = `/workspaces/mnist/entities/${version.entity}/content`
  const answer = await scene.call<{ code: string; detail: string }>('GET', path)
  assert.equal(answer.status, 410)
  assert.equal(answer.body.code, 'PURGED')
  assert.match(
    answer.body.detail,
    /^the content of data people:\w+ was purged by tester on \d{4}-\d\d-\d\d, because: it names people$/,
  )
  const train = await scene.call<{ code: string }>('POST', '/workspaces/mnist/train', {
    data: version.entity,
  })
  assert.equal(train.body.code, 'PURGED')
})

test('the purge is a fact that names what shares bytes, and what is shared stays', async t => {
  const { objects, scene } = await open(t)
  const { version } = await scene.push('people', SECRET)
  const other = await scene.push(
    'copy',
    { 'in/a/folder.csv': SECRET['people.csv'] },
    { ws: 'other' },
  )

  const view = await purge(scene, version.entity)

  assert.equal(view.shared.entities, 1)
  assert.match(view.shared.first[0] ?? '', /^data copy:/)
  assert.ok(holds(objects, 'namesnames'))
  assert.equal(await scene.content(other.version.entity, 'other'), 200)
  const { ledger } = scene.parts
  const facts = (await ledger.log(0, 1000)).map(({ payload }) => JSON.parse(payload ?? '{}'))
  const fact = facts.find(({ type }) => type === 'content.purged')
  assert.equal(fact.detail.entity, version.entity)
  assert.equal(fact.detail.reason, 'it names people')
  assert.equal(fact.detail.shared.entities, 1)
})

test('the same folder can be pushed again after a purge: it is a new fact', async t => {
  const { scene } = await open(t)
  const first = await scene.push('people', SECRET)
  await purge(scene, 'people@v1')

  const second = await scene.push('people', SECRET)

  assert.notEqual(second.version.entity, first.version.entity)
  assert.equal(second.version.version, 2)
  assert.equal(await scene.content(second.version.entity), 200)
  assert.equal(await scene.content(first.version.entity), 410)
})

test('an upload that still notes the bytes does not keep them from a purge', async t => {
  const { objects, scene } = await open(t)
  const { upload, tree } = await scene.send(SECRET)
  const order = { upload, tree, kind: 'data', folder: 'people' }
  await scene.ask('POST', '/workspaces/mnist/repositories', order)

  await purge(scene, 'people@v1')

  assert.ok(!holds(objects, 'namesnames'))
})

test('purging twice is no error and changes nothing', async t => {
  const { scene } = await open(t)
  const { version } = await scene.push('people', SECRET)
  const first = await purge(scene, version.entity)

  const second = await purge(scene, version.entity, 'again')

  assert.deepEqual(second, first)
})

test('only an administrator may purge, and only what is there', async t => {
  const { scene } = await open(t)
  await scene.push('people', SECRET)
  const body = { workspace: 'mnist', reference: 'people@v1', reason: 'x' }
  const token = await scene.test.tokenOf('owner')

  const refused = await scene.call('POST', '/admin/purge', body, {
    authorization: `Bearer ${token}`,
  })
  const unknown = await scene.call('POST', '/admin/purge', { ...body, reference: 'nothing' })
  const without = await scene.call('POST', '/admin/purge', { ...body, reason: '' })

  assert.equal(refused.status, 403)
  assert.equal(unknown.status, 404)
  assert.equal(without.status, 400)
})

test('a purge that a stop broke off is finished after the next start', async t => {
  const objects = new Map<Digest, Uint8Array>()
  const stuck = await openMemoryStore(objects)
  stuck.condemn = () => Promise.reject(new Error('the power went'))
  const first = await openScene(t, { store: stuck })
  await first.push('people', SECRET)
  const body = { workspace: 'mnist', reference: 'people@v1', reason: 'it names people' }
  await first.ask('POST', '/admin/purge', body)
  await first.test.close()
  assert.ok(holds(objects, 'namesnames'))

  const second = await openScene(t, {
    store: await openMemoryStore(objects),
    folder: first.test.folder,
  })
  const { ledger } = second.parts
  while ((await ledger.records('purging/')).length > 0) await setImmediate()

  assert.ok(!holds(objects, 'namesnames'))
})
