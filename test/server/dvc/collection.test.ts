import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GcRun } from '../../../api/wire.ts'
import { QUIET_MS } from '../../../server/remotes/settling.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import {
  type DvcFolder,
  dvcFolder,
  md5,
  openRemotes,
  placeOf,
  pushFolder,
  put,
  type Remotes,
  sha256,
  versionsOf,
} from '../remotes.ts'
import { post } from '../sending.ts'

async function open(t: TestContext): Promise<Remotes> {
  return openRemotes(t, { store: await openMemoryStore() })
}

/** A collection without grace, to its end. */
async function collect({ base }: Remotes): Promise<GcRun> {
  assert.ok((await post(`${base}/api/v1/admin/gc`, { graceSeconds: 0 })).ok)
  for (;;) {
    const answer = await fetch(`${base}/api/v1/admin/gc`)
    const { run } = (await answer.json()) as { run: GcRun }
    if (run.state !== 'running') return run
    await sleep(5)
  }
}

async function removeVersion({ base }: Remotes, repository: string, number: number) {
  const url = `${base}/api/v1/workspaces/mnist/repositories/${repository}/versions/${number}`
  assert.ok((await fetch(`${url}?force=true`, { method: 'DELETE' })).ok)
}

/** Statuses of all objects of a folder, its list last. */
async function statuses(remote: string, { files, list }: DvcFolder): Promise<number[]> {
  const places = [...files.keys(), list.place]
  const answers = places.map(async place => (await fetch(`${remote}/${place}`)).status)
  return [...new Set(await Promise.all(answers))]
}

const contents = (changed: string) => {
  const small = Array.from({ length: 200 }, (_, i) => [`${i}.txt`, `text ${i} `.repeat(20)])
  return { ...Object.fromEntries(small), '7.txt': changed, large: 'large '.repeat(20_000) }
}

test('a collection leaves every object that a version, or nothing yet, has', async t => {
  const server = await open(t)
  const remote = `${server.base}/dvc/mnist/features`
  const [first, second] = [dvcFolder(contents('one')), dvcFolder(contents('two'))]
  await pushFolder(remote, first)
  await pushFolder(remote, second)
  await put(`${remote}/${placeOf(md5('loose'))}`, 'loose')
  server.clock.now += 1000

  const run = await collect(server)

  assert.equal(run.state, 'done')
  assert.deepEqual(await statuses(remote, first), [200])
  assert.deepEqual(await statuses(remote, second), [200])
  assert.equal((await fetch(`${remote}/${placeOf(md5('loose'))}`)).status, 200)
})

test('small files that are in a version lie in the store once', async t => {
  const server = await open(t)
  const folder = dvcFolder(contents('one'))
  await pushFolder(`${server.base}/dvc/mnist/features`, folder)
  server.clock.now += 1000

  await collect(server)
  const { objects } = await server.parts.store.stats()

  // Segments, the tree, the large file and the list: not two for each of 200 files.
  assert.ok(objects < 20, `${objects} objects`)
})

test('what the newest version alone had goes with it; what older ones have stays', async t => {
  const server = await open(t)
  const remote = `${server.base}/dvc/mnist/features`
  const [first, second] = [dvcFolder(contents('one')), dvcFolder(contents('two'))]
  await pushFolder(remote, first)
  await pushFolder(remote, second)
  await removeVersion(server, 'features', 2)
  server.clock.now += 1000

  await collect(server)
  const list = await fetch(`${remote}/${second.list.place}`)
  const changed = await fetch(`${remote}/${placeOf(md5('two'))}`)

  assert.deepEqual(await statuses(remote, first), [200])
  assert.deepEqual([list.status, changed.status], [404, 404])
})

test('what was removed and collected is brought again, and is a version again', async t => {
  const server = await open(t)
  const remote = `${server.base}/dvc/mnist/features`
  const folder = dvcFolder(contents('one'))
  await pushFolder(remote, folder)
  await removeVersion(server, 'features', 1)
  server.clock.now += 1000
  await collect(server)
  const gone = await statuses(remote, folder)

  await pushFolder(remote, folder)
  const versions = await versionsOf(server, 'features')

  assert.deepEqual(gone, [404])
  assert.deepEqual(await statuses(remote, folder), [200])
  assert.equal(versions.length, 1)
})

test('objects of Git LFS stay as long as the version that they became', async t => {
  const server = await open(t)
  const href = `${server.base}/lfs/mnist/art/objects/${sha256('weights')}`
  await put(href, 'weights')
  server.clock.now += QUIET_MS
  await server.settle('lfs')
  await collect(server)
  const kept = await fetch(href)

  await removeVersion(server, 'art', 1)
  server.clock.now += 1000
  await collect(server)
  const gone = await fetch(href)

  assert.equal(await kept.text(), 'weights')
  assert.equal(gone.status, 404)
})

test('what a removed version had is brought again at once, also before a collection', async t => {
  const server = await open(t)
  const remote = `${server.base}/dvc/mnist/features`
  const folder = dvcFolder(contents('one'))
  await pushFolder(remote, folder)
  const oid = sha256('weights')
  const batch = `${server.base}/lfs/mnist/art/objects/batch`
  await put(`${server.base}/lfs/mnist/art/objects/${oid}`, 'weights')
  server.clock.now += QUIET_MS
  await server.settle('lfs')

  await removeVersion(server, 'features', 1)
  await removeVersion(server, 'art', 1)
  const list = await fetch(`${remote}/${folder.list.place}`)
  const asked = await post(batch, { operation: 'upload', objects: [{ oid, size: 7 }] })
  await put(`${remote}/${folder.list.place}`, folder.list.bytes)
  server.clock.now += 1000
  await collect(server)
  const versions = await versionsOf(server, 'features')

  assert.equal(list.status, 404)
  assert.match(await asked.text(), /"upload"/)
  assert.equal(versions.length, 1)
  assert.deepEqual(await statuses(remote, folder), [200])
})

test('a file of a removed folder that is brought by itself stays', async t => {
  const server = await open(t)
  const remote = `${server.base}/dvc/mnist/features`
  await pushFolder(remote, dvcFolder(contents('one')))
  await removeVersion(server, 'features', 1)

  const again = await put(`${remote}/${placeOf(md5('one'))}`, 'one')
  server.clock.now += 1000
  await collect(server)
  const read = await fetch(`${remote}/${placeOf(md5('one'))}`)

  assert.equal(again.status, 200)
  assert.equal(await read.text(), 'one')
})

test('a file of the newest version that is brought again makes no other', async t => {
  const server = await open(t)
  const remote = `${server.base}/dvc/mnist/features`
  await pushFolder(remote, dvcFolder(contents('one')))

  await put(`${remote}/${placeOf(md5('one'))}`, 'one')
  server.clock.now += QUIET_MS
  await server.settle('dvc')
  const versions = await versionsOf(server, 'features')

  assert.equal(versions.length, 1)
  assert.deepEqual(await server.parts.ledger.records('brought/'), [])
})

test('a repository of models takes no files of DVC', async t => {
  const server = await open(t)
  const { ledger, people } = server.parts
  const id = `${'0'.repeat(31)}1`
  const model = {
    id,
    class: 'entity',
    kind: 'model',
    workspace: server.ws,
    attributes: {},
  } as const
  await ledger.commit({
    actor: people.system.id,
    organisation: 'default',
    statements: [
      {
        type: 'version.pushed',
        workspace: server.ws,
        nodes: [model],
        moves: [
          { pointer: `versions/${server.ws}/net`, target: '1' },
          { pointer: `version/${server.ws}/net/00000001`, target: id },
        ],
      },
    ],
  })

  const refused = await put(`${server.base}/dvc/mnist/net/${placeOf(md5('x'))}`, 'x')

  assert.equal(refused.status, 400)
  assert.match(((await refused.json()) as { message: string }).message, /holds models/)
})
