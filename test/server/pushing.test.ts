import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { encodeTree } from '../../api/tree.ts'
import type { BundleView } from '../../api/wire.ts'
import { pushFolder } from '../../cli/bundles.ts'
import { Client } from '../../cli/client.ts'
import { EPOCH } from '../../server/care/intake.ts'
import { openMemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf, objectsOf, requireComplete } from '../../store/trees.ts'
import { openTestApp, tempFolder } from './open.ts'
import { post, writeFolder } from './sending.ts'

/** A server over a store in memory, whose objects and calls a test may look at and change. */
async function open(t: TestContext) {
  const objects = new Map<Digest, Uint8Array>()
  const memory = await openMemoryStore(objects)
  const read: Digest[] = []
  const after: { put?: () => Promise<void> } = {}
  const store = watched(memory, {
    get: digest => {
      read.push(digest)
      return memory.get(digest)
    },
    put: async given => {
      const digests = await memory.put(given)
      await after.put?.()
      return digests
    },
  })
  const { listen, parts } = await openTestApp(t, { store })
  const base = await listen()
  for (const name of ['mnist', 'other']) await post(`${base}/api/v1/workspaces`, { name })
  const cacheHome = await tempFolder(t)
  const folder = await tempFolder(t)
  const client = new Client(base, undefined)
  async function push(workspace = 'mnist', options: { fresh?: boolean } = {}) {
    const at = `/workspaces/${workspace}`
    const all = { label: '', shown: undefined, cacheHome, ...options }
    let sentBytes = 0
    const view = await pushFolder(client, at, folder, all, ({ upload, tree, ...sent }) => {
      sentBytes = sent.sentBytes
      const bundle = { upload, kind: 'data', folder: 'features', tree }
      return client.post<BundleView>(`${at}/bundles`, bundle)
    })
    return { ...view, tree: view.tree as Digest, sentBytes }
  }
  async function bumpEpoch() {
    const records = [{ key: EPOCH, value: {} }]
    const actor = parts.people.system.id
    await parts.ledger.commit({ actor, organisation: DEFAULT_ORGANISATION, records })
  }
  return { base, parts, client, store, objects, read, after, folder, push, bumpEpoch }
}

/** The store with some calls replaced. */
function watched(store: Store, calls: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const value = calls[name] ?? target[name]
      return typeof value === 'function' && !calls[name] ? value.bind(target) : value
    },
  })
}

const FILES = { 'a/small': 'small', 'a/other': 'other', 'b/deep/small': 'deep', top: 'top' }

async function laid(folder: string): Promise<void> {
  await writeFolder(folder, FILES)
  await writeFile(join(folder, 'large'), randomBytes(900_000))
  await writeFile(join(folder, 'b/large'), randomBytes(300_000))
}

function damage(objects: Map<Digest, Uint8Array>, digest: Digest): void {
  objects.get(digest)![0]! ^= 1
}

test('a push of what is there already sends nothing and is the same bundle', async t => {
  const { folder, push } = await open(t)
  await laid(folder)

  const first = await push()
  const again = await push()
  const fresh = await push('mnist', { fresh: true })

  assert.deepEqual([first.unchanged, again.unchanged, fresh.unchanged], [false, true, true])
  assert.deepEqual([again.id, fresh.id], [first.id, first.id])
  assert.deepEqual([again.sentBytes, fresh.sentBytes], [0, 0])
})

test('of the next version only what is new is looked at', async t => {
  const { folder, push, read, store } = await open(t)
  await laid(folder)
  const first = await push()
  const before = new Set(await Array.fromAsync(objectsOf(store, first.tree)))
  await writeFile(join(folder, 'b/deep/small'), 'changed')
  read.length = 0

  const second = await push()

  assert.notEqual(second.tree, first.tree)
  assert.deepEqual(
    read.filter(one => before.has(one)),
    [],
  )
  assert.equal(second.files, 6)
})

test('after a collection nothing is believed to be complete until it was looked at', async t => {
  const { folder, push, client, objects, bumpEpoch, store } = await open(t)
  await laid(folder)
  const { tree, id } = await push()
  const large = (await entriesOf(store, tree)).find(one => one.name === 'large')!
  const { upload } = await client.post<{ upload: string }>('/workspaces/mnist/uploads')
  const bundle = { upload, kind: 'data', folder: 'features', tree }
  const keep = () => client.post<BundleView>('/workspaces/mnist/bundles', bundle)
  objects.delete(large.digest)

  const believed = await keep()
  await bumpEpoch()

  assert.equal(believed.id, id)
  await assert.rejects(keep(), {
    code: 'BAD_REQUEST',
    detail: { digest: large.digest, path: 'large' },
  })
  assert.equal((await push()).id, id)
  assert.equal((await keep()).id, id)
})

test('everything that is damaged heals when the folder is pushed again, at once', async t => {
  const { base, folder, push, objects, store, bumpEpoch } = await open(t)
  await laid(folder)
  const { tree, id } = await push()
  const all = await Array.fromAsync(objectsOf(store, tree))
  await bumpEpoch()
  for (const digest of all) damage(objects, digest)
  const content = () => fetch(`${base}/api/v1/workspaces/mnist/entities/${id}/content`)
  assert.equal((await content()).status, 500)

  const again = await push()

  assert.equal(again.id, id)
  assert.equal(await store.damaged(), 0)
  for (const digest of all) await store.get(digest)
  assert.equal((await content()).status, 200)
})

test('what another workspace pushed heals damage that nobody had found yet', async t => {
  const { folder, push, objects, store } = await open(t)
  await laid(folder)
  const { tree } = await push()
  const entries = await entriesOf(store, tree)
  const lists = entries.filter(one => !one.within).map(one => one.digest)
  for (const digest of [...lists, tree]) damage(objects, digest)

  const other = await push('other')

  assert.equal(other.tree, tree)
  for (const digest of [...lists, tree]) await store.get(digest)
})

test('what was collected while it came is asked for once more', async t => {
  const { folder, push, after, objects, bumpEpoch, store } = await open(t)
  await laid(folder)
  let collected = false
  after.put = async () => {
    if (collected) return
    collected = true
    objects.clear()
    await bumpEpoch()
  }

  const { tree } = await push()

  assert.equal((await requireComplete(store, tree)).files, 6)
})

test('a file that holds the encoding of a folder gives nobody that folder', async t => {
  const { base, folder, push, client } = await open(t)
  await writeFolder(folder, {})
  await writeFile(join(folder, 'secret'), randomBytes(100_000))
  const secret = await push()
  const list = { name: 'secret', kind: 'file', size: 100_000 } as const
  const content = await fetch(`${base}/api/v1/workspaces/mnist/entities/${secret.id}/content`)
  const bytes = Buffer.from(await content.arrayBuffer())
  const encoded = bytes.subarray(4, 4 + bytes.readUInt32BE(0))
  assert.deepEqual(encoded.length, encodeTree([{ ...list, digest: secret.tree }]).length)
  const theirs = await tempFolder(t)
  await writeFile(join(theirs, 'guess'), encoded)
  const at = '/workspaces/other'
  const options = { label: '', shown: undefined }
  const keep = (tree: Digest, name: string) => (pushed: { upload: string }) =>
    client.post(`${at}/bundles`, { upload: pushed.upload, kind: 'data', folder: name, tree })
  await pushFolder(client, at, theirs, options, pushed => keep(pushed.tree, 'guess')(pushed))

  const taking = pushFolder(client, at, theirs, options, keep(secret.tree, 'secret'))

  await assert.rejects(taking, { code: 'BAD_REQUEST' })
})
