import assert from 'node:assert/strict'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openEnvelope } from '../../../api/attestation.ts'
import { originOf } from '../../../api/checkpoint.ts'
import { newId } from '../../../api/ids.ts'
import { publicKeyOf } from '../../../api/signing-keys.ts'
import { type Enrolment, hasPossession, thumbprintOf } from '../../../api/worker-keys.ts'
import { Signer } from '../../../runners/worker/signer.ts'
import { tick, workerScene } from './scene.ts'

const TRAIN = '#!/bin/sh\nmkdir "$1"\necho model > "$1/model"\n'

function keyOf({ x }: Enrolment) {
  return { kid: thumbprintOf(x), publicKey: publicKeyOf({ x }) }
}

test('a worker enrols its key, signs what it made with it, and keeps it', async t => {
  const { end, folder, server, start, trial } = await workerScene(t)
  await end()
  server.installation = newId()
  await start()

  const report = await server.reported(server.offer(await trial(TRAIN)))
  await end()
  await start()
  const again = await server.reported(server.offer(await trial(TRAIN)))

  const [first, second] = server.enrolled
  assert.ok(hasPossession(originOf(server.installation), first!))
  assert.equal(second?.x, first?.x)
  for (const { attestation, output } of [report, again]) {
    const { statement } = openEnvelope(attestation!, [keyOf(first!)])
    assert.equal(`sha256:${statement.subject[0]?.digest?.kaosTree}`, output)
  }
  assert.equal(statSync(join(folder, 'signing-key.json')).mode & 0o777, 0o600)
})

test('what failed is not signed: nothing was made', async t => {
  const { end, server, start, trial } = await workerScene(t)
  await end()
  server.installation = newId()
  await start()

  const report = await server.reported(server.offer(await trial('#!/bin/sh\nexit 3\n')))

  assert.deepEqual([report.state, report.attestation], ['failed', undefined])
})

test('a key that the server takes no longer is replaced by a new one', async t => {
  const { end, said, server, start, trial } = await workerScene(t)
  await end()
  server.installation = newId()
  await start()
  await server.reported(server.offer(await trial(TRAIN)))
  const old = keyOf(server.enrolled[0]!)

  server.ended.add(old.kid)
  await end()
  await start()
  const report = await server.reported(server.offer(await trial(TRAIN)))

  const [, now] = server.enrolled
  assert.notEqual(keyOf(now!).kid, old.kid)
  assert.ok(openEnvelope(report.attestation!, [keyOf(now!)]))
  assert.throws(() => openEnvelope(report.attestation!, [old]), { code: 'SIGNATURE_INVALID' })
  assert.ok(said.some(line => line.includes('a new one is made')))
})

test('at a server of before there were such keys a worker works without one', async t => {
  const { said, server, trial } = await workerScene(t)

  const report = await server.reported(server.offer(await trial(TRAIN)))

  assert.deepEqual([report.state, report.attestation], ['succeeded', undefined])
  while (!said.some(line => line.includes('what is made here is not signed'))) await tick()
})

test('a key file that is damaged is named; one that others could read is closed to them', async t => {
  const { folder } = await workerScene(t)
  const file = join(folder, 'signing-key.json')
  const said: string[] = []
  chmodSync(file, 0o644)

  assert.ok(new Signer(folder, line => said.push(line)))
  const mode = statSync(file).mode & 0o777
  writeFileSync(file, 'no key')

  assert.equal(mode, 0o600)
  assert.match(said[0]!, /others could read .*signing-key\.json; only its owner can now/)
  assert.throws(() => new Signer(folder, () => {}), {
    code: 'CONFIGURATION',
    message: /signing-key\.json cannot be used .*; restore it, or remove it/,
  })
})
