import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { digestOf, located, makeWorkspace, openRegistry } from './client.ts'

const BYTES = randomBytes(50_000)
const DIGEST = digestOf(BYTES)
const START = '/v2/mnist/new/blobs/uploads/'

test('a blob of another repository is mounted, and costs nothing', async t => {
  const { call, blob, parts } = await openRegistry(t)
  await makeWorkspace({ call }, 'other')
  await blob('other/app', BYTES)
  const before = (await parts.store.stats()).bytes

  const answer = await call('POST', `${START}?mount=${DIGEST}&from=other/app&origin=somewhere`)

  assert.equal(answer.statusCode, 201)
  assert.equal(located(answer), `/v2/mnist/new/blobs/${DIGEST}`)
  assert.equal((await parts.store.stats()).bytes, before)
  assert.ok((await call('GET', located(answer))).rawPayload.equals(BYTES))
})

test('without a source a blob is mounted from whatever repository has it', async t => {
  const { call, blob } = await openRegistry(t)
  await blob('mnist/some/where', BYTES)

  const answer = await call('POST', `${START}?mount=${DIGEST}`)

  assert.equal(answer.statusCode, 201)
  assert.ok((await call('GET', located(answer))).rawPayload.equals(BYTES))
})

test('what cannot be mounted becomes an upload', async t => {
  const { call, blob } = await openRegistry(t)
  await blob('mnist/app', BYTES)
  const unknown = digestOf('unknown')

  for (const query of [
    `mount=${unknown}&from=mnist/app`,
    `mount=${unknown}`,
    `mount=${DIGEST}&from=mnist/empty`,
    `mount=${DIGEST}&from=nowhere/app`,
    `mount=${DIGEST}&from=Not%20a%20name`,
  ]) {
    const answer = await call('POST', `${START}?${query}`)
    assert.equal(answer.statusCode, 202, query)
    assert.match(located(answer), /uploads\/[0-9a-f]{32}$/)
  }
})

test('nothing is mounted from a workspace that was killed', async t => {
  const { call, blob } = await openRegistry(t)
  await makeWorkspace({ call }, 'gone')
  await blob('gone/app', BYTES)
  assert.ok((await call('DELETE', '/api/v1/workspaces/gone')).statusCode < 300)
  await makeWorkspace({ call }, 'gone')

  const answers = await Promise.all([
    call('POST', `${START}?mount=${DIGEST}`),
    call('POST', `${START}?mount=${DIGEST}&from=gone/app`),
  ])

  assert.deepEqual(
    answers.map(answer => answer.statusCode),
    [202, 202],
  )
  assert.equal((await call('HEAD', `/v2/gone/app/blobs/${DIGEST}`)).statusCode, 404)
})

test('a blob that is damaged where it lies is not mounted', async t => {
  const { call, blob, parts } = await openRegistry(t)
  await blob('mnist/app', BYTES)
  for await (const { digest } of parts.store.list()) await parts.store.remove([digest])

  const answer = await call('POST', `${START}?mount=${DIGEST}&from=mnist/app`)

  assert.equal(answer.statusCode, 202)
})
