import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../../../api/digest.ts'
import { decodeTree } from '../../../api/tree.ts'
import type { FsckRun, ServerView } from '../../../api/wire.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { openScene } from './scene.ts'

const FILES = { 'a.csv': '1,2', 'large.bin': Buffer.alloc(60_000, 'x') }

/** A server over a store whose objects a test can damage and lose. */
async function openDamageable(t: test.TestContext) {
  const objects = new Map<Digest, Uint8Array>()
  const scene = await openScene(t, { store: await openMemoryStore(objects) })
  const { version } = await scene.push('features', FILES, { tags: ['clean'] })
  const node = (await scene.parts.ledger.node(version.entity))!
  const entries = decodeTree(objects.get(node.digest!)!)
  return { scene, objects, node, entries }
}

function flip(objects: Map<Digest, Uint8Array>, digest: Digest): void {
  const bytes = Buffer.from(objects.get(digest)!)
  bytes[bytes.length - 1]! ^= 1
  objects.set(digest, bytes)
}

test('a sound store is clean, and says how much was read', async t => {
  const { scene } = await openDamageable(t)

  const run = await scene.fsck()

  assert.equal(run.state, 'clean')
  assert.ok(run.bytes >= 60_000)
  assert.equal(run.entities, 1)
  assert.deepEqual(run.findings, [])
})

test('damage is told with what it affects and what heals it; pushed again it is clean', async t => {
  const { scene, objects, node, entries } = await openDamageable(t)
  const list = entries.find(entry => entry.name === 'large.bin')!.digest
  flip(objects, list)

  const run = await scene.fsck()

  assert.equal(run.state, 'damaged')
  assert.deepEqual(run.findings, [
    { digest: list, reason: 'its bytes are others', affects: 1, entities: [`data ${node.name}`] },
  ])
  const [affected] = run.affected
  assert.deepEqual(affected?.places, ['features@v1', 'features@clean'])
  assert.equal(affected?.workspace, 'mnist')
  assert.match(affected?.heal ?? '', /push the folder features again/)
  const { notes } = await scene.ask<ServerView>('GET', '/server')
  assert.match(notes?.join() ?? '', /1 stored object is damaged.*kaos admin fsck/)

  await scene.push('features', FILES)

  assert.equal((await scene.fsck()).state, 'clean')
  assert.deepEqual((await scene.ask<ServerView>('GET', '/server')).notes, [])
})

test('what is missing is found, though no byte of it could be read', async t => {
  const { scene, objects, node, entries } = await openDamageable(t)
  const segment = entries.find(entry => entry.name === 'a.csv')!.within!.segment
  objects.delete(segment)

  const run = await scene.fsck()

  assert.equal(run.state, 'damaged')
  assert.deepEqual(run.findings, [
    { digest: segment, reason: 'it is missing', affects: 1, entities: [`data ${node.name}`] },
  ])
})

test('what several versions share is told for each of them', async t => {
  const { scene, objects, entries } = await openDamageable(t)
  await scene.push('features', { ...FILES, 'b.csv': '3' })
  await scene.push('labels', { 'in/a/folder.bin': FILES['large.bin'] }, { ws: 'other' })
  const list = entries.find(entry => entry.name === 'large.bin')!.digest
  objects.delete(list)

  const run = await scene.fsck()

  assert.equal(run.findings[0]?.affects, 3)
  assert.deepEqual(run.affected.map(one => one.workspace).sort(), ['mnist', 'mnist', 'other'])
})

test('a check that a stop broke off goes on where it was', async t => {
  const objects = new Map<Digest, Uint8Array>()
  const froms: (string | undefined)[] = []
  async function open(step: () => Promise<unknown>, folder?: string) {
    const store = await openMemoryStore(objects)
    const check = store.check.bind(store)
    store.check = async function* (from) {
      froms.push(from)
      for await (const one of check(from)) {
        yield one
        await step()
      }
    }
    return openScene(t, { store, ...(folder && { folder }) })
  }
  let closing: Promise<void> | undefined
  const first = await open(async () => {
    closing ??= first.test.close()
    await sleep(100)
  })
  for (let n = 0; n < 40; n++) await first.push(`data-${n}`, { n: Buffer.alloc(20_000, `${n}`) })
  const { run: id } = await first.ask<FsckRun>('POST', '/admin/fsck', {})
  while (closing === undefined) await new Promise(resolve => setImmediate(resolve))
  await closing

  const second = await open(async () => {}, first.test.folder)
  const run = await second.ended(async () => {
    const { run } = await second.ask<{ run: FsckRun }>('GET', '/admin/fsck')
    return run.state === 'stopped' ? { ...run, state: 'running' } : run
  })

  assert.equal(run.run, id)
  assert.equal(run.state, 'clean')
  assert.equal(froms[0], undefined)
  assert.match(froms[1] ?? '', /^sha256:/)
})
