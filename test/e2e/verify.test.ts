/* `kaos verify` and `kaos evidence` at a server whose worker does what the test says. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { envelopeBytes } from '../../api/attestation.ts'
import type { Digest } from '../../api/digest.ts'
import { decodeFile } from '../../api/tree.ts'
import { entryAt } from '../../store/trees.ts'
import { BUILT, MODEL, openSigned, openSigning } from '../server/attestations/signing.ts'
import type { Scripted } from '../server/jobs/scripted.ts'
import { cli, folder } from './kaos.ts'

/** The CLI in a folder that is connected to this server. */
async function connected(t: TestContext, server: Scripted) {
  const at = folder(t)
  const kaos = cli(at, { XDG_STATE_HOME: folder(t) })
  await kaos('init', '-e', await server.test.listen())
  await kaos('workspace', 'set', '-n', 'mnist')
  return { at, kaos }
}

test('the signed statement of an attempt that lost is refused, with and without a server', async t => {
  const { server, worker } = await openSigning(t)
  await worker.work('build', BUILT)
  const first = await worker.claim('trial')
  const lost = await worker.envelope(first, await worker.ended(first, MODEL))
  await server.report(first, { state: 'lost', reason: 'the host went away' })
  const won = await worker.work('trial', MODEL)
  const { at, kaos } = await connected(t, server)
  writeFileSync(join(at, 'lost.json'), envelopeBytes(lost))
  writeFileSync(join(at, 'won.json'), envelopeBytes(won))
  await kaos('evidence', '@latest', '-o', 'evidence.tar')
  const offline = ['--offline', '--evidence', 'evidence.tar'] as const

  const online = await kaos('verify', 'lost.json')
  const alone = await kaos('verify', 'lost.json', ...offline)
  const good = await kaos('verify', 'won.json')
  const goodAlone = await kaos('verify', 'won.json', ...offline)

  assert.deepEqual(
    [online, alone, good, goodAlone].map(({ code }) => code),
    [1, 1, 0, 0],
  )
  const why = `with key ${worker.key.kid}, but the log took no outcome with it: its attempt lost`
  assert.ok(online.stderr.includes(why), online.stderr)
  assert.ok(alone.stderr.includes(why), alone.stderr)
})

test('evidence of content that was lost is not left behind, and the command says where to look', async t => {
  const { model, server } = await openSigned(t)
  const { at, kaos } = await connected(t, server)
  const { ledger, store } = server.test.parts
  const [node] = await ledger.nodes({ organisation: 'default', name: model })
  const entry = await entryAt(store, node!.digest as Digest, 'model/big')
  const [chunk] = decodeFile(await store.get(entry!.digest))
  await store.remove([chunk!.digest])

  const done = await kaos('evidence', model, '-o', 'evidence.tar', '--with_content')
  const verified = await kaos('verify', model)

  assert.equal(done.code, 1, done.stdout)
  assert.match(done.stderr, /damaged or lost there.*kaos admin fsck/)
  assert.equal(verified.code, 1)
  assert.deepEqual(
    readdirSync(at).filter(name => name.startsWith('evidence')),
    [],
  )
})

test('keys that are none and files that are none are named', async t => {
  const { model, server } = await openSigned(t)
  const { at, kaos } = await connected(t, server)
  writeFileSync(join(at, 'keys.json'), '{"keys":[]}')
  writeFileSync(join(at, 'model.bin'), 'something else')

  const keys = await kaos('verify', model, '--keys', 'keys.json')
  const other = await kaos('verify', 'model.bin')
  const evidence = await kaos('verify', model, '--evidence', 'model.bin')
  const nothing = await kaos('evidence', 'nothing', '-o', 'evidence.tar')

  assert.deepEqual(
    [keys, other, evidence, nothing].map(({ code }) => code),
    [2, 1, 1, 3],
  )
  assert.match(keys.stderr, /it holds no keys; give the JSON of/)
  assert.match(other.stderr, /is made of the bytes in model\.bin/)
  assert.match(evidence.stderr, /the evidence file cannot be read/)
  assert.equal(existsSync(join(at, 'evidence.tar')), false)
})

test('where no server is known an evidence file is checked without one', async t => {
  const { model, server } = await openSigned(t)
  const { at, kaos } = await connected(t, server)
  await kaos('evidence', model, '-o', 'evidence.tar')
  const elsewhere = cli(folder(t), { XDG_STATE_HOME: folder(t) })

  const done = await elsewhere('verify', join(at, 'evidence.tar'))

  assert.equal(done.code, 0, done.stderr)
  assert.match(done.stderr, /no server is known here: checked without one/)
})
