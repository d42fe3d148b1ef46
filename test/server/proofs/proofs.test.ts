import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { openCheckpoint, originOf } from '../../../api/checkpoint.ts'
import { verifyConsistency, verifyInclusion } from '../../../api/merkle.ts'
import { believable, type KeySet, publicKeyOf } from '../../../api/signing-keys.ts'
import type { CheckpointView, ConsistencyView, InclusionView } from '../../../api/wire.ts'
import { openTestApp, type TestApp, tempFolder } from '../open.ts'

async function get<T>({ app }: TestApp, url: string): Promise<T> {
  const answer = await app.inject({ method: 'GET', url })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')

async function opened(t: TestContext) {
  const test = await openTestApp(t)
  const origin = originOf(test.parts.ledger.id)
  const { keys } = await get<KeySet>(test, '/.well-known/jwks.json')
  const named = believable(origin, [], keys).map(key => ({
    name: origin,
    publicKey: publicKeyOf(key),
  }))
  return { test, origin, keys, named }
}

test('a checkpoint is signed by a key of the well-known set and says what the log is', async t => {
  const { test, named } = await opened(t)

  const { note, size, root } = await get<CheckpointView>(test, '/api/v1/ledger/checkpoint')

  const said = openCheckpoint(note, named)
  assert.deepEqual([said.size, said.root], [size, root])
  assert.deepEqual({ size, root }, await test.parts.ledger.head())
})

test('inclusion and consistency of any statement are proved over HTTP', async t => {
  const { test } = await opened(t)
  const before = await get<CheckpointView>(test, '/api/v1/ledger/checkpoint')
  await test.app.inject({
    method: 'POST',
    url: '/api/v1/workspaces',
    payload: { name: 'mnist' },
  })
  const after = await get<CheckpointView>(test, '/api/v1/ledger/checkpoint')

  const included = await get<InclusionView>(test, `/api/v1/ledger/inclusion?seq=${after.size - 1}`)
  const grown = await get<ConsistencyView>(test, `/api/v1/ledger/consistency?first=${before.size}`)

  assert.ok(after.size > before.size)
  assert.ok(
    verifyInclusion({
      leaf: bytes(included.leaf),
      index: after.size - 1,
      size: after.size,
      root: bytes(after.root),
      proof: included.proof.map(bytes),
    }),
  )
  assert.ok(
    verifyConsistency({
      first: before.size,
      firstRoot: bytes(before.root),
      second: after.size,
      secondRoot: bytes(after.root),
      proof: grown.proof.map(bytes),
    }),
  )
})

test('a proof about what the log does not hold is refused with the size it has', async t => {
  const { test } = await opened(t)

  const beyond = await test.app.inject('/api/v1/ledger/inclusion?seq=100000')
  const later = await test.app.inject('/api/v1/ledger/consistency?first=5&second=2')

  assert.equal(beyond.statusCode, 400)
  assert.match(beyond.json().detail, /statement 100000 is not among the first \d+/)
  assert.equal(later.statusCode, 400)
})

test('a rotated key is endorsed by the one before it, whose signatures stay good', async t => {
  const { test, origin, keys, named } = await opened(t)
  const old = await get<CheckpointView>(test, '/api/v1/ledger/checkpoint')

  const rotated = await test.app.inject({ method: 'POST', url: '/api/v1/admin/keys/rotate' })

  assert.equal(rotated.statusCode, 201, rotated.body)
  const offered = (await get<KeySet>(test, '/.well-known/jwks.json')).keys
  const stranger = { ...offered[0]!, kaos_endorsement: 'AAAA' }
  assert.equal(believable(origin, keys, offered).length, 2)
  assert.deepEqual(believable(origin, keys, [stranger]), keys)
  const fresh = await get<CheckpointView>(test, '/api/v1/ledger/checkpoint')
  assert.equal(fresh.kid, rotated.json().kid)
  assert.throws(() => openCheckpoint(fresh.note, named), { code: 'SIGNATURE_INVALID' })
  const all = believable(origin, keys, offered).map(key => ({
    name: origin,
    publicKey: publicKeyOf(key),
  }))
  assert.equal(openCheckpoint(fresh.note, all).size, fresh.size)
  assert.equal(openCheckpoint(old.note, all).size, old.size)
})

test('private keys lie in the ledger sealed, and open only under the secret key', async t => {
  const folder = await tempFolder(t)
  const first = await openTestApp(t, { folder })
  await get(first, '/api/v1/ledger/checkpoint')
  const [record] = await first.parts.ledger.records('signing-key/')
  const secret = join(folder, 'secret.key')
  const text = await readFile(secret, 'utf8')

  assert.doesNotMatch(JSON.stringify(record), /PRIVATE/)
  assert.match(text, /^[0-9a-f]{64}\n$/)

  await first.close()
  await writeFile(secret, `${'0'.repeat(64)}\n`)
  const second = await openTestApp(t, { folder })
  const wrong = await second.app.inject('/api/v1/ledger/checkpoint')
  assert.equal(wrong.statusCode, 500)
  assert.doesNotMatch(wrong.body, /PRIVATE/)
  await second.close()
  await rm(secret)
})
