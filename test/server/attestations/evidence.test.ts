import assert from 'node:assert/strict'
import test from 'node:test'
import { type Envelope, resourceOf, signedEnvelope, statementOf } from '../../../api/attestation.ts'
import { digestOf } from '../../../api/digest.ts'
import {
  EVIDENCE_PREDICATE,
  type EvidenceGraph,
  type ProvedStatement,
} from '../../../api/evidence/format.ts'
import { openEvidence } from '../../../api/evidence/open.ts'
import { type Verdict, verifyEvidence } from '../../../api/evidence/verify.ts'
import type { KeySet } from '../../../api/signing-keys.ts'
import type { CheckpointView } from '../../../api/wire.ts'
import { attest } from '../../../server/attestations/attest.ts'
import { SERVE } from '../jobs/scripted.ts'
import {
  BUILT,
  badOf,
  evidence,
  newKey,
  openSigned,
  openSigning,
  source,
  verdictOn,
} from './signing.ts'
import { type Entry, jsonOf, membersIn, reindexed, replaced, tarOf } from './tars.ts'

/** Whether the file is refused, with or without an answer. */
async function refusal(tar: Buffer, keys: KeySet['keys']): Promise<string | undefined> {
  let verdict: Verdict
  try {
    verdict = verifyEvidence(await openEvidence(source(tar)), { keys })
  } catch (error) {
    return String(error)
  }
  return verdict.good ? undefined : badOf(verdict)[0]
}

/** The index signed anew, by whoever has the key. */
function resigned(entries: readonly Entry[], key = newKey()): Entry[] {
  const all = reindexed(entries)
  const digest = digestOf(all.find(({ name }) => name === 'index.json')!.bytes)
  const statement = statementOf([resourceOf('index.json', digest, 'sha256')], EVIDENCE_PREDICATE, {
    a: 1,
  })
  return replaced(all, 'index.dsse.json', JSON.stringify(signedEnvelope(statement, key)))
}

test('an edit of any member is found', async t => {
  const { model, server } = await openSigned(t)
  const members = membersIn(await evidence(server, model, '&content=true&first=3'))
  const { keys } = await server.ask<KeySet>('GET', '/ledger/keys')
  assert.equal(await refusal(tarOf(members), keys), undefined)
  const kinds = new Set(members.map(({ name }) => name.split('/')[0]))
  for (const kind of ['attestations', 'consistency', 'content', 'keys', 'objects', 'statements']) {
    assert.ok(kinds.has(kind), kind)
  }

  for (const [at, { bytes, name }] of members.entries()) {
    for (const place of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const edited = Buffer.from(bytes)
      edited[place]! ^= 1

      const why = await refusal(tarOf(members.with(at, { name, bytes: edited })), keys)

      // White space around JSON says nothing; the signature is over what it says.
      const isSpace = name === 'index.dsse.json' && /\s/.test(String.fromCharCode(bytes[place]!))
      assert.ok(isSpace || why, `${name}, byte ${place}`)
    }
    assert.ok(await refusal(tarOf(members.toSpliced(at, 1)), keys), `without ${name}`)
  }
  const more = { name: 'more', bytes: Buffer.from('x') }
  assert.match((await refusal(tarOf([more, ...members]), keys))!, /more does not belong to it/)
  assert.match((await refusal(tarOf([members[0]!, ...members]), keys))!, /twice/)
})

test('a file that is not one is refused in one sentence', async () => {
  const bad = [Buffer.alloc(0), Buffer.alloc(1024), Buffer.from('no tar'), tarOf([])]
  const link = tarOf([{ name: 'a', bytes: Buffer.alloc(0) }])
  link.write('2', 156)

  for (const tar of [...bad, link, tarOf([{ name: 'index.json', bytes: Buffer.from('{}') }])]) {
    assert.match((await refusal(tar, []))!, /^KaosError: the evidence file/)
  }
})

test('who has no key of the installation cannot make evidence, whatever is made to fit', async t => {
  const { model, server } = await openSigned(t)
  const members = membersIn(await evidence(server, model, '&content=true'))
  const { keys } = await server.ask<KeySet>('GET', '/ledger/keys')
  const mine = newKey()
  const jwk = { ...keys[0]!, x: mine.x, kid: mine.kid }
  const withKey = replaced(members, 'keys/installation.jwks.json', JSON.stringify({ keys: [jwk] }))

  const bySomebody = await refusal(tarOf(resigned(members)), keys)
  const byKeyInside = await refusal(tarOf(resigned(withKey, mine)), keys)
  const unknown = await refusal(tarOf(resigned(withKey, mine)), [])

  assert.match(bySomebody!, /none of the known keys/)
  assert.match(byKeyInside!, /none of the known keys/)
  // Without any key from elsewhere the checkpoint of the real one gives it away.
  assert.match(unknown!, /checkpoint/)
})

test('a thief of the key of the index alone cannot change what the log says', async t => {
  const { envelope, model, server, worker } = await openSigned(t)
  const members = membersIn(await evidence(server, model, '&content=true'))
  const { keys } = await server.ask<KeySet>('GET', '/ledger/keys')
  const { kid, privateKey } = await server.test.parts.keys.current()
  const thief = { kid, privateKey, x: '' }
  const graph = jsonOf<EvidenceGraph>(members, 'graph.json')
  const named = (prefix: string) => members.filter(({ name }) => name.startsWith(prefix))
  const statement = named('statements/').at(-1)!
  const proved = JSON.parse(String(statement.bytes)) as ProvedStatement
  const said = named('attestations/').find(
    one => JSON.parse(String(one.bytes)).payload === envelope.payload,
  )!
  const other = JSON.parse(Buffer.from(envelope.payload, 'base64').toString())
  other.predicate.runDetails.metadata.invocationId += '1'
  const forged: Envelope = signedEnvelope(other, worker.key)
  const renamed = graph.nodes.map(node => (node.kind === 'model' ? { ...node, name: 'x' } : node))
  const edge = { ...graph.edges[0]!, role: 'other' }
  const payload = proved.payload!.replace(/"type":"[a-z.]*"/, '"type":"another"')
  const cheats: [string, string, RegExp][] = [
    [
      'graph.json',
      JSON.stringify({ ...graph, nodes: renamed }),
      /not what a proved statement says/,
    ],
    ['graph.json', JSON.stringify({ ...graph, edges: [edge] }), /not what a proved statement says/],
    [statement.name, JSON.stringify({ ...proved, payload }), /not what its leaf was made of/],
    [statement.name, JSON.stringify({ ...proved, seq: 1 }), /is not in the log/],
    [said.name, JSON.stringify(forged), /not the one that the log took/],
    ['content/model/model.pkl', 'other!!', /holds other bytes than the digest names/],
    ['keys/workers.jwks.json', JSON.stringify({ keys: [] }), /nobody knows the key/],
  ]

  for (const [name, text, why] of cheats) {
    const refused = await refusal(tarOf(resigned(replaced(members, name, text), thief)), keys)

    assert.match(refused ?? '', why, name)
  }
})

test('a key that was revoked after the outcome is pointed at, and one revoked before is refused', async t => {
  const { model, server, worker } = await openSigned(t)

  await server.ask('POST', `/admin/worker-keys/${worker.key.kid}/revoke`, { reason: 'lost' })
  const after = await verdictOn(server, await evidence(server, model))
  const members = membersIn(await evidence(server, model))
  const { keys } = jsonOf<{ keys: object[] }>(members, 'keys/workers.jwks.json')
  const early = { keys: [{ ...keys[0], kaos_revoked_seq: 1 }] }
  const { kid, privateKey } = await server.test.parts.keys.current()
  const forged = replaced(members, 'keys/workers.jwks.json', JSON.stringify(early))
  const before = await verdictOn(server, tarOf(resigned(forged, { kid, privateKey, x: '' })))

  assert.equal(after.good, true)
  assert.ok(after.findings.some(({ is, text }) => is === 'note' && /was revoked at/.test(text)))
  assert.match(badOf(before)[0]!, /is no worker.key-revoked/)
})

test('old signatures stay good when the installation has a new key', async t => {
  const { model, server } = await openSigned(t)
  const tar = await evidence(server, model)
  const old = (await server.ask<KeySet>('GET', '/ledger/keys')).keys

  await server.ask('POST', '/admin/keys/rotate')
  const older = await verdictOn(server, tar)
  const newer = await verdictOn(server, await evidence(server, model), { keys: old })

  assert.deepEqual(badOf(older), [])
  assert.deepEqual(badOf(newer), [])
})

test('another history than the one that was seen is told', async t => {
  const { model, server } = await openSigned(t)
  const seen = await server.ask<CheckpointView>('GET', '/ledger/checkpoint')
  await server.workspace('other')
  const tar = await evidence(server, model, `&first=${seen.size}`)

  const same = await verdictOn(server, tar, { seen })
  const root = '0'.repeat(64)
  const other = await verdictOn(server, tar, { seen: { size: seen.size, root } })
  const longer = await verdictOn(server, tar, { seen: { size: 10_000, root } })

  assert.deepEqual(badOf(same), [])
  assert.ok(same.findings.some(({ check, is }) => check === 'history' && is === 'good'))
  assert.match(badOf(other)[0]!, /ANOTHER HISTORY/)
  assert.ok(longer.findings.some(({ check, is }) => check === 'history' && is === 'note'))
})

test('a verdict of the server is signed with its own key and proved like the rest', async t => {
  const { model, server } = await openSigned(t)
  const { ledger, people } = server.test.parts
  const [node] = await ledger.nodes({ organisation: 'default', name: model })
  const id = await attested(server, node!, { verdict: 'identical' })

  await server.ask('POST', '/admin/keys/rotate')
  const verdict = await verdictOn(server, await evidence(server, model))

  assert.deepEqual(badOf(verdict), [])
  assert.equal((await ledger.node(id))?.attributes.predicateType, 'https://kaos.dev/replay/v1')
  const own = verdict.vouchers.find(({ what }) => what.includes('kaos.dev/replay/v1'))
  assert.equal(own?.who, `installation kaos/${ledger.id}`)
  assert.ok(people.system.id)
})

type Server = Awaited<ReturnType<typeof openSigned>>['server']

async function attested(
  server: Server,
  node: Parameters<typeof attest>[1]['subjects'][0] & { organisation: string },
  predicate: { verdict: string },
): Promise<string> {
  const { parts } = server.test
  return parts.intake.relying(async expect => {
    const about = { subjects: [node] as const, predicateType: 'https://kaos.dev/replay/v1' }
    const { attested } = await attest(parts, { ...about, predicate })
    const statement = {
      type: 'replay.finished',
      ...(node.workspace !== undefined && { workspace: node.workspace }),
      nodes: [attested.node],
      edges: attested.edges,
    }
    const { organisation } = node
    await parts.ledger.commit({
      actor: parts.people.system.id,
      organisation,
      expect,
      statements: [statement],
    })
    return attested.node.id
  })
}

test('an endpoint is proved by the model that it serves', async t => {
  const { model, server, worker } = await openSigned(t)
  const code = await server.bundle('serve-source', 'mnist', SERVE)
  const asked = { source: code.id, model }
  const { endpoint } = await server.ask<{ endpoint: { name: string } }>(
    'POST',
    '/workspaces/mnist/serve',
    asked,
  )
  await worker.work('build', { ...BUILT, serve: 'x' })

  const verdict = await verdictOn(server, await evidence(server, endpoint.name, '&content=true'))
  await server.ask('POST', `/workspaces/mnist/serve/endpoints/${endpoint.name}/kill`)
  const killed = await verdictOn(server, await evidence(server, endpoint.name))

  assert.deepEqual(badOf(verdict), [])
  assert.equal(verdict.index.serving?.endpoint, endpoint.name)
  const serving = verdict.findings.find(({ check }) => check === 'serving')
  assert.ok(serving?.text.includes(`${endpoint.name} serves model ${model}`), serving?.text)
  assert.ok(verdict.findings.some(({ text }) => /every byte is what/.test(text)))
  const gone = killed.findings.find(({ check }) => check === 'serving')
  assert.deepEqual([gone?.is, /does no longer/.test(gone?.text ?? '')], ['note', true])
})

test('content of any names and sizes is proved byte by byte', async t => {
  const { job, server, worker } = await openSigning(t)
  await worker.work('build', BUILT)
  const long = 'n'.repeat(200)
  await worker.work('trial', {
    ...{
      empty: '',
      'größe ✓.txt': 'x',
      [long]: { [long]: { [`${long}.bin`]: 'y'.repeat(20_000) } },
    },
    small: { a: '1', b: '2', c: 'z'.repeat(16_383), d: 'z'.repeat(16_384) },
  })
  const model = (await server.job(job)).models[0]!.modelId!

  const opened = await openEvidence(source(await evidence(server, model, '&content=true')))
  const verdict = verifyEvidence(opened, { keys: [] })

  assert.deepEqual(badOf(verdict), [])
  assert.equal(opened.content.size, 7)
  assert.ok(opened.content.has(`${long}/${long}/${long}.bin`))
})

test('who may not read the workspace gets no evidence of it', async t => {
  const { model, server } = await openSigned(t)
  const headers = { authorization: 'Bearer kaos_nobody' }

  const answer = await server.call(
    'GET',
    `/workspaces/mnist/evidence?id=${encodeURIComponent(model)}`,
    undefined,
    headers,
  )

  assert.equal(answer.statusCode, 401)
})
