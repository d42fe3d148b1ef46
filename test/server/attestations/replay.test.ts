import assert from 'node:assert/strict'
import test from 'node:test'
import { badOf, evidence, MODEL, openSigned, verdictOn } from './signing.ts'

test('what a replay made is signed as well, and by its bytes the model is still meant', async t => {
  const { model, server, worker } = await openSigned(t)
  const { ledger } = server.test.parts
  const all = { organisation: 'default', limit: 10 }
  const [original] = await ledger.nodes({ ...all, name: model })

  await server.ask('POST', '/workspaces/mnist/replays', { model, times: 1 })
  await worker.work('trial', MODEL)

  const [replica] = await ledger.nodes({ ...all, kind: 'replica' })
  assert.equal(replica?.digest, original?.digest)
  const ofReplica = await verdictOn(server, await evidence(server, replica!.id))
  assert.deepEqual(badOf(ofReplica), [])
  assert.ok(ofReplica.signed.some(({ subject }) => subject.id === replica!.id))
  const byBytes = await verdictOn(server, await evidence(server, original!.digest!))
  assert.deepEqual(badOf(byBytes), [])
  assert.equal(byBytes.index.subject.entity, original!.id)
  const { vouchers } = byBytes
  assert.ok(vouchers.some(({ what }) => what.includes('kaos.dev/replay/v1')))
})
