import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { tempFolder } from '../open.ts'
import { sendBundle, writeFolder } from '../sending.ts'
import { type Descriptor, digestOf, openRegistry, type TestRegistry } from './client.ts'

test('a data set that nobody pushed as an artifact is listed and pulled as one', async t => {
  const registry = await withFeatures(t)
  const { call, tags } = registry

  const { repositories } = (await call('GET', '/v2/_catalog')).json()
  const manifest = await call('GET', '/v2/mnist/features/manifests/v1')

  assert.deepEqual(repositories, ['mnist/features'])
  assert.deepEqual(await tags('mnist/features'), ['v1'])
  const digest = String(manifest.headers['docker-content-digest'])
  assert.equal(digestOf(manifest.rawPayload), digest)
  const byDigest = await call('GET', `/v2/mnist/features/manifests/${digest}`)
  assert.ok(byDigest.rawPayload.equals(manifest.rawPayload))
  for (const blob of blobsIn(manifest.json())) {
    const got = await call('GET', `/v2/mnist/features/blobs/${blob.digest}`)
    assert.equal(digestOf(got.rawPayload), blob.digest)
    assert.equal(got.rawPayload.length, blob.size)
    const part = await call('GET', `/v2/mnist/features/blobs/${blob.digest}`, {
      headers: { range: 'bytes=3-7' },
    })
    assert.deepEqual(part.rawPayload, got.rawPayload.subarray(3, 8))
  }
})

test('showing a data set stores next to nothing, and is a fact of the server itself', async t => {
  const registry = await withFeatures(t)
  const { store, ledger, people } = registry.parts
  const before = (await store.stats()).bytes

  await registry.call('GET', '/v2/mnist/features/manifests/v1')
  await registry.call('GET', '/v2/mnist/features/manifests/v1')

  assert.ok((await store.stats()).bytes - before < 10_000)
  const entries = (await ledger.log(0, 100)).map(entry => JSON.parse(String(entry.payload)))
  const shown = entries.filter(entry => entry.type === 'manifest.shown')
  assert.deepEqual(
    shown.map(entry => entry.actor),
    [people.system.id],
  )
})

test('many may pull a data set for the first time at once', async t => {
  const { call } = await withFeatures(t)

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => call('GET', '/v2/mnist/features/manifests/v1')),
  )

  assert.deepEqual(new Set(answers.map(answer => answer.statusCode)), new Set([200]))
  assert.equal(new Set(answers.map(answer => answer.body)).size, 1)
})

test('a data set is copied into a repository, where it stays when it is removed here', async t => {
  const { call, parts } = await withFeatures(t)
  const manifest = await call('GET', '/v2/mnist/features/manifests/v1')
  const digest = String(manifest.headers['docker-content-digest'])
  const before = (await parts.store.stats()).bytes
  const blobs = blobsIn(manifest.json())

  for (const blob of blobs) {
    const query = `mount=${blob.digest}&from=mnist/features`
    assert.equal((await call('POST', `/v2/mnist/copy/blobs/uploads/?${query}`)).statusCode, 201)
  }
  const pushed = await call('PUT', '/v2/mnist/copy/manifests/v1', {
    payload: manifest.rawPayload,
  })
  const deleted = await call('DELETE', `/v2/mnist/features/manifests/${digest}`)

  assert.deepEqual([pushed.statusCode, deleted.statusCode], [201, 202])
  assert.equal((await call('GET', '/v2/mnist/features/manifests/v1')).statusCode, 404)
  assert.equal((await call('GET', `/v2/mnist/features/manifests/${digest}`)).statusCode, 404)
  assert.deepEqual((await call('GET', '/v2/_catalog')).json().repositories, ['mnist/copy'])
  for (const blob of blobs) {
    const got = await call('GET', `/v2/mnist/copy/blobs/${blob.digest}`)
    assert.equal(digestOf(got.rawPayload), blob.digest)
  }
  const added = (await parts.store.stats()).bytes - before
  assert.ok(added < 100_000, `${added} bytes for a copy of 2 MB`)
})

test('the name that a version has by its number is not a tag that can be deleted', async t => {
  const { call } = await withFeatures(t)

  const answer = await call('DELETE', '/v2/mnist/features/manifests/v1')

  assert.equal(answer.statusCode, 405)
})

/** A data set of two large files and many small ones. */
async function withFeatures(t: TestContext): Promise<TestRegistry> {
  const registry = await openRegistry(t)
  const base = await registry.listen()
  const folder = await tempFolder(t)
  await writeFolder(folder, { 'a.csv': '1,2\n', 'deep/b.csv': '3,4\n' })
  await writeFile(join(folder, 'deep', 'large.bin'), randomBytes(1_000_000))
  await writeFile(join(folder, 'more.bin'), randomBytes(1_000_000))
  const sent = await sendBundle(base, 'mnist', 'data', folder, 'features')
  assert.equal(sent.status, 201)
  return registry
}

function blobsIn(manifest: { config: Descriptor; layers: Descriptor[] }): Descriptor[] {
  return [manifest.config, ...manifest.layers]
}
