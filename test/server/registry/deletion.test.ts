import assert from 'node:assert/strict'
import test from 'node:test'
import { codeOf, digestOf, INDEX, openRegistry } from './client.ts'

test('deleting a tag takes the tag alone', async t => {
  const { image, call, tags } = await openRegistry(t)
  const { digest, bytes } = await image('mnist/app', 'v1')
  await call('PUT', `/v2/mnist/app/manifests/${digest}?tag=same`, { payload: bytes })

  const deleted = await call('DELETE', '/v2/mnist/app/manifests/v1')

  assert.equal(deleted.statusCode, 202)
  assert.deepEqual(await tags('mnist/app'), ['same'])
  assert.equal((await call('GET', '/v2/mnist/app/manifests/v1')).statusCode, 404)
  assert.equal((await call('GET', `/v2/mnist/app/manifests/${digest}`)).statusCode, 200)
})

test('deleting a manifest takes all its tags of this repository, at once', async t => {
  const { image, call, tags, blob } = await openRegistry(t)
  const { digest, bytes } = await image('mnist/app', 'v1')
  await call('PUT', `/v2/mnist/app/manifests/${digest}?tag=a&tag=b`, { payload: bytes })
  await image('mnist/app', 'other')
  const { config, layers } = JSON.parse(bytes.toString())
  for (const { digest: one } of [config, ...layers]) {
    await call('POST', `/v2/mnist/copy/blobs/uploads/?mount=${one}&from=mnist/app`)
  }
  await call('PUT', '/v2/mnist/copy/manifests/v1', { payload: bytes })

  const deleted = await call('DELETE', `/v2/mnist/app/manifests/${digest}`)

  assert.equal(deleted.statusCode, 202)
  assert.deepEqual(await tags('mnist/app'), ['other'])
  for (const reference of ['v1', 'a', 'b', digest]) {
    assert.equal((await call('HEAD', `/v2/mnist/app/manifests/${reference}`)).statusCode, 404)
  }
  assert.deepEqual(await tags('mnist/copy'), ['v1'])
  await blob('mnist/app', 'still writable')
})

test('a deleted manifest can be pushed again', async t => {
  const { image, call, tags } = await openRegistry(t)
  const { digest, bytes } = await image('mnist/app', 'v1')
  await call('DELETE', `/v2/mnist/app/manifests/${digest}`)

  const again = await call('PUT', '/v2/mnist/app/manifests/v1', { payload: bytes })

  assert.equal(again.statusCode, 201)
  assert.deepEqual(await tags('mnist/app'), ['v1'])
})

test('blobs may be deleted before their manifest, which can still be read and deleted', async t => {
  const { image, call } = await openRegistry(t)
  const { digest, bytes } = await image('mnist/app', 'v1')
  const { config, layers } = JSON.parse(bytes.toString())

  for (const { digest: one } of [config, ...layers]) {
    assert.equal((await call('DELETE', `/v2/mnist/app/blobs/${one}`)).statusCode, 202)
  }

  assert.equal((await call('GET', '/v2/mnist/app/manifests/v1')).statusCode, 200)
  assert.equal((await call('DELETE', `/v2/mnist/app/manifests/${digest}`)).statusCode, 202)
})

test('what is not there cannot be deleted', async t => {
  const { image, call } = await openRegistry(t)
  await image('mnist/app', 'v1')

  for (const reference of ['v2', digestOf('x')]) {
    const answer = await call('DELETE', `/v2/mnist/app/manifests/${reference}`)
    assert.deepEqual([answer.statusCode, codeOf(answer)], [404, 'MANIFEST_UNKNOWN'])
  }
})

test('an index is deleted without what it names', async t => {
  const { image, manifest, call } = await openRegistry(t)
  const { mediaType, digest, size } = await image('mnist/app', undefined)
  const content = { schemaVersion: 2, manifests: [{ mediaType, digest, size }] }
  const index = await manifest('mnist/app', 'all', content, INDEX)

  await call('DELETE', `/v2/mnist/app/manifests/${index.digest}`)

  assert.equal((await call('HEAD', `/v2/mnist/app/manifests/${digest}`)).statusCode, 200)
})
