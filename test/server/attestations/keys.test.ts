import assert from 'node:assert/strict'
import test from 'node:test'
import type { WorkerKeyView } from '../../../api/wire.ts'
import type { WorkerKeySet } from '../../../api/worker-keys.ts'
import { BUILT, newKey, openSigning, signingWorker } from './signing.ts'

test('a key is enrolled once, and published beside the keys of the log, never among them', async t => {
  const { server, worker } = await openSigning(t)
  const size = (await server.test.parts.ledger.head()).size

  const again = await worker.enrol()

  assert.deepEqual(again.json(), { kid: worker.key.kid })
  assert.equal((await server.test.parts.ledger.head()).size, size)
  const answer = await server.test.app.inject({ url: '/.well-known/workers.jwks.json' })
  const { keys } = answer.json() as WorkerKeySet
  assert.deepEqual(
    keys.map(({ kid, x }) => [kid, x]),
    [[worker.key.kid, worker.key.x]],
  )
  const own = await server.test.app.inject({ url: '/.well-known/jwks.json' })
  assert.ok(!own.body.includes(worker.key.x))
})

test('a key is enrolled only by a worker that holds it, for this installation', async t => {
  const { worker } = await openSigning(t)
  const [mine, other] = [newKey(), newKey()]

  const answers = [
    await worker.enrol(mine, 'kaos/00000000000000000000000000000000'),
    await worker.enrol({ ...mine, privateKey: other.privateKey }),
    await worker.enrol({ ...mine, x: 'A'.repeat(43) }),
  ]

  for (const answer of answers) assert.equal(answer.json().code, 'SIGNATURE_INVALID')
})

test('a user may not enrol a key', async t => {
  const { server } = await openSigning(t)

  const answer = await server.call('POST', '/attempts/enrol', { x: newKey().x, proof: 'AAAA' })

  assert.equal(answer.json().code, 'NOT_PERMITTED')
})

test('once it has a key, a worker claims with one that is its own and in force', async t => {
  const { server, worker } = await openSigning(t)
  const other = await signingWorker(server, 'w2')
  const stranger = newKey()

  const answers = [
    await worker.tryClaim('build', ''),
    await worker.tryClaim('build', stranger.kid),
    await worker.tryClaim('build', other.key.kid),
    await worker.tryClaim('build', 'nonsense'),
  ]
  const taken = await worker.enrol(other.key)
  const good = await worker.tryClaim('build')

  for (const answer of answers) assert.equal(answer.json().code, 'KEY_REFUSED')
  assert.match(taken.json().message, /is the key of another worker/)
  assert.equal(good.statusCode, 200)
})

test('with a retired key nothing is begun, but what was begun with it is taken', async t => {
  const { server, worker } = await openSigning(t)
  const order = await worker.claim('build')
  const report = await worker.ended(order, BUILT)
  const attestation = await worker.envelope(order, report)

  const url = `/admin/worker-keys/${worker.key.kid}/retire`
  const retired = await server.ask<WorkerKeyView>('POST', url, {})
  const twice = await server.ask<WorkerKeyView>('POST', url, {})
  const ended = await worker.report(order, { ...report, attestation })
  const claimed = await worker.tryClaim('trial')
  const enrolled = await worker.enrol()

  assert.ok(retired.retiredAt)
  assert.deepEqual(twice, retired)
  assert.equal(ended.statusCode, 200, ended.body)
  assert.match(claimed.json().message, /was retired at/)
  assert.equal(enrolled.json().code, 'KEY_REFUSED')
})

test('what a revoked key signed is not taken, also when it was begun before', async t => {
  const { server, worker } = await openSigning(t)
  const order = await worker.claim('build')
  const report = await worker.ended(order, BUILT)
  const attestation = await worker.envelope(order, report)

  const url = `/admin/worker-keys/${worker.key.kid}/revoke`
  const view = await server.ask<WorkerKeyView>('POST', url, { reason: 'stolen' })
  const ended = await worker.report(order, { ...report, attestation })

  assert.equal(ended.json().code, 'KEY_REFUSED')
  assert.match(ended.json().message, /was revoked at/)
  const { keys } = await server.ask<{ keys: WorkerKeyView[] }>('GET', '/admin/worker-keys')
  assert.deepEqual(keys, [view])
  assert.equal(view.name, 'w1')
})

test('a key that nobody has cannot be revoked', async t => {
  const { server } = await openSigning(t)

  const answer = await server.call('POST', '/admin/worker-keys/nobodys/revoke', {})

  assert.equal(answer.json().code, 'NOT_FOUND')
})
