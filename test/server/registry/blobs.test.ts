import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { codeOf, digestOf, openRegistry } from './client.ts'

const BYTES = randomBytes(300_000)
const DIGEST = digestOf(BYTES)
const PATH = `/v2/mnist/app/blobs/${DIGEST}`

test('a blob comes back with its length, digest and type, and HEAD says the same', async t => {
  const { call, blob } = await openRegistry(t)
  await blob('mnist/app', BYTES)

  const got = await call('GET', PATH)
  const head = await call('HEAD', PATH)

  assert.deepEqual([got.statusCode, head.statusCode], [200, 200])
  assert.ok(got.rawPayload.equals(BYTES))
  for (const { headers } of [got, head]) {
    assert.equal(headers['docker-content-digest'], DIGEST)
    assert.equal(headers['content-length'], String(BYTES.length))
    assert.equal(headers['content-type'], 'application/octet-stream')
    assert.equal(headers['accept-ranges'], 'bytes')
  }
  assert.equal(head.rawPayload.length, 0)
})

test('a range of a blob is served, and one beyond its end is refused', async t => {
  const { call, blob } = await openRegistry(t)
  await blob('mnist/app', BYTES)
  const cases: [string, number, number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=100000-200000', 100_000, 200_001],
    ['bytes=299000-', 299_000, 300_000],
    ['bytes=-500', 299_500, 300_000],
    ['bytes=299990-999999', 299_990, 300_000],
  ]

  for (const [range, start, end] of cases) {
    const answer = await call('GET', PATH, { headers: { range } })
    assert.equal(answer.statusCode, 206, range)
    assert.ok(answer.rawPayload.equals(BYTES.subarray(start, end)), range)
    assert.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/300000`)
  }
  for (const range of ['bytes=300000-', 'bytes=400000-500000', 'bytes=-0', 'bytes=9-5']) {
    const answer = await call('GET', PATH, { headers: { range } })
    assert.deepEqual([answer.statusCode, answer.headers['content-range']], [416, 'bytes */300000'])
  }
  for (const range of ['lines=1-2', 'bytes=1-2,5-6', 'bytes=-']) {
    assert.equal((await call('GET', PATH, { headers: { range } })).statusCode, 200, range)
  }
})

test('who has a blob already is told so by its etag', async t => {
  const { call, blob } = await openRegistry(t)
  await blob('mnist/app', BYTES)
  const { etag } = (await call('HEAD', PATH)).headers

  const answer = await call('GET', PATH, { headers: { 'if-none-match': String(etag) } })

  assert.deepEqual([answer.statusCode, answer.rawPayload.length], [304, 0])
})

test('a blob without bytes is a blob', async t => {
  const { call, blob } = await openRegistry(t)
  const { digest } = await blob('mnist/app', '')

  const got = await call('GET', `/v2/mnist/app/blobs/${digest}`)

  assert.deepEqual([got.statusCode, got.rawPayload.length], [200, 0])
})

test('a blob is only in the repository that it was pushed to', async t => {
  const { call, blob } = await openRegistry(t)
  await blob('mnist/app', BYTES)

  for (const method of ['GET', 'HEAD', 'DELETE']) {
    const answer = await call(method, `/v2/mnist/other/blobs/${DIGEST}`)
    assert.equal(answer.statusCode, 404)
    if (method !== 'HEAD') assert.equal(codeOf(answer), 'BLOB_UNKNOWN')
  }
})

test('a deleted blob is gone from its repository at once, and stays in others', async t => {
  const { call, blob } = await openRegistry(t)
  await blob('mnist/app', BYTES)
  await call('POST', `/v2/mnist/other/blobs/uploads/?mount=${DIGEST}&from=mnist/app`)

  const deleted = await call('DELETE', PATH)

  assert.equal(deleted.statusCode, 202)
  assert.equal((await call('HEAD', PATH)).statusCode, 404)
  assert.equal((await call('DELETE', PATH)).statusCode, 404)
  assert.equal((await call('HEAD', `/v2/mnist/other/blobs/${DIGEST}`)).statusCode, 200)
})

test('a digest of an unknown form is refused', async t => {
  const { call } = await openRegistry(t)

  for (const digest of [
    'sha256:abc',
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    `sha512:${'a'.repeat(64)}`,
  ]) {
    const answer = await call('GET', `/v2/mnist/app/blobs/${digest}`)
    assert.deepEqual([answer.statusCode, codeOf(answer)], [400, 'DIGEST_INVALID'])
  }
})

test('a damaged blob is said to be missing, and pushing it again heals it', async t => {
  const objects = new Map<Digest, Uint8Array>()
  const { call, blob } = await openRegistry(t, { store: await openMemoryStore(objects) })
  await blob('mnist/app', BYTES)
  for (const bytes of objects.values()) bytes[bytes.length >> 1]! ^= 1

  const damaged = await call('GET', PATH)
  const head = await call('HEAD', PATH)
  await blob('mnist/app', BYTES)
  const healed = await call('GET', PATH)

  assert.deepEqual([damaged.statusCode, codeOf(damaged)], [404, 'BLOB_UNKNOWN'])
  assert.equal(head.statusCode, 404)
  assert.ok(healed.rawPayload.equals(BYTES))
})

test('an answer in which damage turns up is cut, and one push heals all of it', async t => {
  const objects = new Map<Digest, Uint8Array>()
  const registry = await openRegistry(t, { store: await openMemoryStore(objects) })
  const base = await registry.listen()
  const large = randomBytes(5_000_000)
  const { digest } = await registry.blob('mnist/app', large)
  const chunks = [...objects.values()].filter(bytes => bytes.length > 10_000)
  for (const chunk of chunks.slice(20)) chunk[0]! ^= 1
  const path = `${base}/v2/mnist/app/blobs/${digest}`

  const answer = await fetch(path)
  await assert.rejects(answer.arrayBuffer())
  await registry.blob('mnist/app', large)
  const healed = await fetch(path)

  assert.equal(answer.status, 200)
  assert.ok(Buffer.from(await healed.arrayBuffer()).equals(large))
})
