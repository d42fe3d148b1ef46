import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import test from 'node:test'
import { NO_JOBS, openTestApp } from '../open.ts'
import {
  type Answer,
  codeOf,
  digestOf,
  located,
  openRegistry,
  type TestRegistry,
} from './client.ts'

const BYTES = randomBytes(900_000)
const DIGEST = digestOf(BYTES)
const START = '/v2/mnist/app/blobs/uploads/'
const BLOB = `/v2/mnist/app/blobs/${DIGEST}`

test('an upload begins with a place to send to, also with a JSON type and no body', async t => {
  const { call } = await openRegistry(t)

  const answer = await call('POST', START, { headers: { 'content-type': 'application/json' } })

  assert.equal(answer.statusCode, 202)
  assert.match(located(answer), /^\/v2\/mnist\/app\/blobs\/uploads\/[0-9a-f]{32}$/)
  assert.equal(answer.headers.range, '0-0')
  assert.ok(located(answer).endsWith(String(answer.headers['docker-upload-uuid'])))
})

test('a blob is pushed in a single POST', async t => {
  const { call } = await openRegistry(t)

  const answer = await call('POST', `${START}?digest=${DIGEST}`, { payload: BYTES })

  assert.deepEqual([answer.statusCode, located(answer)], [201, BLOB])
  assert.equal(answer.headers['docker-content-digest'], DIGEST)
  assert.ok((await call('GET', BLOB)).rawPayload.equals(BYTES))
})

test('a blob is pushed with POST and PUT', async t => {
  const { call } = await openRegistry(t)
  const started = await call('POST', START)

  const answer = await call('PUT', located(started, `digest=${DIGEST}`), { payload: BYTES })

  assert.deepEqual([answer.statusCode, located(answer)], [201, BLOB])
  assert.ok((await call('GET', BLOB)).rawPayload.equals(BYTES))
  assert.equal((await call('GET', located(started))).statusCode, 404)
})

test('a blob is streamed with one PATCH and an empty PUT', async t => {
  const { call } = await openRegistry(t)
  const sent = await call('PATCH', located(await call('POST', START)), { payload: BYTES })

  const answer = await call('PUT', located(sent, `digest=${DIGEST}`))

  assert.deepEqual([sent.statusCode, sent.headers.range], [202, `0-${BYTES.length - 1}`])
  assert.equal(answer.statusCode, 201)
  assert.ok((await call('GET', BLOB)).rawPayload.equals(BYTES))
})

test('a blob is sent in chunks, the last one with the PUT', async t => {
  const { call } = await openRegistry(t)
  let at = await call('POST', START)
  for (const [start, end] of [
    [0, 100_000],
    [100_000, 100_001],
    [100_001, 700_000],
  ]) {
    at = await sendChunk({ call }, at, start!, end!)
    assert.deepEqual([at.statusCode, at.headers.range], [202, `0-${end! - 1}`])
  }

  const answer = await call('PUT', located(at, `digest=${DIGEST}`), {
    payload: BYTES.subarray(700_000),
    headers: { 'content-range': '700000-899999' },
  })

  assert.equal(answer.statusCode, 201)
  assert.ok((await call('GET', BLOB)).rawPayload.equals(BYTES))
})

test('a chunk out of order is refused, and the upload tells where it goes on', async t => {
  const { call } = await openRegistry(t)
  const at = await sendChunk({ call }, await call('POST', START), 0, 1000)

  const gap = await sendChunk({ call }, at, 2000, 3000)
  const again = await sendChunk({ call }, at, 0, 1000)
  const odd = await call('PATCH', located(at), {
    payload: BYTES.subarray(1000, 1010),
    headers: { 'content-range': '1000-1500' },
  })
  const asked = await call('GET', located(at))

  for (const refused of [gap, again]) {
    assert.equal(refused.statusCode, 416)
    assert.deepEqual([refused.headers.range, located(refused)], ['0-999', located(at)])
  }
  assert.equal(odd.statusCode, 416)
  assert.deepEqual([asked.statusCode, asked.headers.range], [204, '0-999'])
  const next = await sendChunk({ call }, asked, 1000, 900_000)
  assert.equal((await call('PUT', located(next, `digest=${DIGEST}`))).statusCode, 201)
})

test('bytes that are not those of the digest are refused, and nothing of them stays', async t => {
  const { call, parts } = await openRegistry(t)
  const wrong = digestOf('something else')

  const single = await call('POST', `${START}?digest=${wrong}`, { payload: BYTES })
  const started = await call('POST', START)
  const put = await call('PUT', located(started, `digest=${wrong}`), { payload: BYTES })
  const sent = await call('PATCH', located(await call('POST', START)), { payload: BYTES })
  const streamed = await call('PUT', located(sent, `digest=${wrong}`))

  for (const answer of [single, put, streamed]) {
    assert.deepEqual([answer.statusCode, codeOf(answer)], [400, 'DIGEST_INVALID'])
  }
  assert.equal((await call('HEAD', `/v2/mnist/app/blobs/${wrong}`)).statusCode, 404)
  assert.equal((await call('HEAD', BLOB)).statusCode, 404)
  assert.equal((await call('GET', located(started))).statusCode, 404)
  assert.deepEqual(await parts.ledger.records('oci-'), [])
  assert.deepEqual(await parts.ledger.records('sent/'), [])
})

test('an upload needs a digest of a known form to be finished', async t => {
  const { call } = await openRegistry(t)
  const at = await call('POST', START)

  for (const query of ['', 'digest=sha1:abc', 'digest=sha256:zz']) {
    const answer = await call('PUT', located(at, query), { payload: BYTES })
    assert.deepEqual([answer.statusCode, codeOf(answer)], [400, 'DIGEST_INVALID'])
  }
})

test('sha512 is taken: in one request, in a session that said so, and in one that did not', async t => {
  const { call } = await openRegistry(t)
  const digest = digestOf(BYTES, 'sha512')
  const starts = [`${START}?digest-algorithm=sha512`, START]

  const single = await call('POST', `${START}?digest=${digest}`, { payload: BYTES })
  const finished: number[] = []
  for (const start of starts) {
    const sent = await call('PATCH', located(await call('POST', start)), { payload: BYTES })
    finished.push((await call('PUT', located(sent, `digest=${digest}`))).statusCode)
  }
  const unknown = await call('POST', `${START}?digest-algorithm=blake3`)

  assert.deepEqual([single.statusCode, ...finished], [201, 201, 201])
  assert.equal(unknown.statusCode, 400)
  const got = await call('GET', `/v2/mnist/app/blobs/${digest}`)
  assert.ok(got.rawPayload.equals(BYTES))
})

test('a cancelled upload is gone', async t => {
  const { call } = await openRegistry(t)
  const at = await call('PATCH', located(await call('POST', START)), { payload: BYTES })

  const cancelled = await call('DELETE', located(at))

  assert.equal(cancelled.statusCode, 204)
  for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
    const answer = await call(method, located(at, `digest=${DIGEST}`))
    assert.deepEqual([answer.statusCode, codeOf(answer)], [404, 'BLOB_UPLOAD_UNKNOWN'])
  }
})

test('an upload belongs to its repository', async t => {
  const { call } = await openRegistry(t)
  const { pathname } = new URL(located(await call('POST', START)), 'http://kaos')

  const answer = await call('GET', pathname.replace('/app/', '/other/'))

  assert.deepEqual([answer.statusCode, codeOf(answer)], [404, 'BLOB_UPLOAD_UNKNOWN'])
})

test('an upload that nobody goes on with ends after a day', async t => {
  const { call, clock } = await openRegistry(t)
  const at = await call('PATCH', located(await call('POST', START)), { payload: BYTES })
  clock.now += 23 * 3600_000
  assert.equal((await call('GET', located(at))).statusCode, 204)

  clock.now += 2 * 3600_000

  assert.equal((await call('GET', located(at))).statusCode, 404)
})

test('an upload goes on after the server was started anew', async t => {
  const first = await openRegistry(t)
  const sent = await sendChunk(first, await first.call('POST', START), 0, 777_777)
  await first.close()
  const { app } = await openTestApp(t, { jobs: NO_JOBS, folder: first.folder })

  const asked = await app.inject({ method: 'GET', url: located(sent) })
  const answer = await app.inject({
    method: 'PUT',
    url: located(asked, `digest=${DIGEST}`),
    payload: BYTES.subarray(777_777),
  })

  assert.equal(asked.headers.range, '0-777776')
  assert.equal(answer.statusCode, 201)
  assert.ok((await app.inject({ url: BLOB })).rawPayload.equals(BYTES))
})

test('what a broken request brought is kept, and the client goes on behind it', async t => {
  const registry = await openRegistry(t)
  const base = await registry.listen()
  const at = await registry.call('POST', START)
  const large = randomBytes(20_000_000)
  const broken = request(base + located(at), {
    method: 'PATCH',
    headers: { 'content-length': large.length },
  })
  broken.on('error', () => {})
  broken.write(large.subarray(0, 18_000_000))
  await reached(registry, located(at), 16_000_000)

  const closed = Promise.withResolvers<void>()
  broken.once('close', closed.resolve)
  broken.destroy()
  await closed.promise

  const offset = await settled(registry, located(at))
  assert.ok(offset >= 16_000_000 && offset <= 18_000_000, String(offset))
  const rest = await registry.call('PATCH', located(at), { payload: large.subarray(offset) })
  assert.equal(rest.statusCode, 202)
  const digest = digestOf(large)
  const done = await registry.call('PUT', located(rest, `digest=${digest}`))
  assert.equal(done.statusCode, 201)
  const got = await registry.call('GET', `/v2/mnist/app/blobs/${digest}`)
  assert.ok(got.rawPayload.equals(large))
})

test('the same blob may be pushed many times at once', async t => {
  const { call } = await openRegistry(t)

  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call('POST', `${START}?digest=${DIGEST}`, { payload: BYTES })),
  )

  assert.deepEqual(new Set(answers.map(answer => answer.statusCode)), new Set([201]))
  assert.ok((await call('GET', BLOB)).rawPayload.equals(BYTES))
})

test('a workspace takes no more than its quota, however the bytes come', async t => {
  const { call, parts } = await openRegistry(t)
  const { ledger, people, workspaces, quotas } = parts
  const { id, organisation } = await workspaces.find(people.local, 'mnist')
  const records = quotas.limitWrites(id, 1_000_000, 0)
  await ledger.commit({ actor: people.local.id, organisation, records })

  const first = await call('POST', `${START}?digest=${DIGEST}`, { payload: BYTES })
  const single = await call('POST', `${START}?digest=${DIGEST}`, { payload: BYTES })
  const part = await call('PATCH', located(await call('POST', START)), { payload: BYTES })

  assert.equal(first.statusCode, 201)
  for (const refused of [single, part]) {
    assert.deepEqual([refused.statusCode, codeOf(refused)], [403, 'DENIED'])
    assert.equal(refused.json().errors[0].detail.limit, 1_000_000)
  }
})

function sendChunk(
  { call }: Pick<TestRegistry, 'call'>,
  at: Answer,
  start: number,
  end: number,
): Promise<Answer> {
  return call('PATCH', located(at), {
    payload: BYTES.subarray(start, end),
    headers: { 'content-range': `${start}-${end - 1}` },
  })
}

/** Waits until the upload has acknowledged so much. */
async function reached({ call }: TestRegistry, path: string, bytes: number): Promise<void> {
  while ((await offsetOf({ call }, path)) < bytes) await new Promise(setImmediate)
}

/** Waits until the server has met the end of the broken request. */
async function settled({ call }: TestRegistry, path: string): Promise<number> {
  // The next request waits for the one before.
  const answer = await call('PATCH', path, { payload: '' })
  assert.equal(answer.statusCode, 202)
  return offsetOf({ call }, path)
}

async function offsetOf({ call }: Pick<TestRegistry, 'call'>, path: string): Promise<number> {
  const { range } = (await call('GET', path)).headers
  return range === '0-0' ? 0 : Number(String(range).slice(2)) + 1
}
