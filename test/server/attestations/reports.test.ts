import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import test from 'node:test'
import {
  type Envelope,
  envelopeBytes,
  PAYLOAD_TYPE,
  type Statement,
  signedEnvelope,
} from '../../../api/attestation.ts'
import { canonical } from '../../../api/canonical.ts'
import { digestOf, hexOf } from '../../../api/digest.ts'
import { fileDigestOf } from '../../../api/job-statement.ts'
import { openScripted } from '../jobs/scripted.ts'
import {
  BUILT,
  badOf,
  evidence,
  type Key,
  MODEL,
  newKey,
  openSigned,
  openSigning,
  signingWorker,
  verdictOn,
} from './signing.ts'

test('what a worker signed is kept with the outcome, and proves the model', async t => {
  const { envelope, model, server, worker } = await openSigned(t)

  const verdict = await verdictOn(server, await evidence(server, model, '&content=true'))

  assert.deepEqual(badOf(verdict), [])
  assert.equal(verdict.good, true)
  const sha256 = hexOf(digestOf(envelopeBytes(envelope)))
  assert.ok(verdict.signed.some(one => one.sha256 === sha256 && one.subject.name === model))
  const [node] = await server.test.parts.ledger.nodes({
    organisation: 'default',
    kind: 'attestation',
    limit: 1,
  })
  assert.equal(node?.attributes.kid, worker.key.kid)
  const [entry] = await server.test.parts.ledger.log(node!.seq, 1)
  assert.equal(JSON.parse(entry!.payload!).type, 'trial.succeeded')
})

test('the statement names exactly what went in and came out', async t => {
  const { envelope, model, server, worker, job } = await openSigned(t)

  const said = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as Statement

  const { buildDefinition, runDetails } = said.predicate
  assert.equal(said.subject[0]?.name, model)
  assert.equal(buildDefinition.externalParameters.job, job)
  const names = buildDefinition.resolvedDependencies?.map(({ annotations }) => annotations?.role)
  assert.deepEqual(names, ['code', 'program', 'image', 'data', 'environment'])
  const [agent] = await server.test.parts.ledger.nodes({ organisation: 'default', kind: 'worker' })
  assert.equal(runDetails.builder.id, `urn:kaos:${server.test.parts.ledger.id}:${agent?.id}`)
  assert.equal(envelope.signatures[0]?.keyid, worker.key.kid)
})

test('the point of a grid stands in the statement, whatever its names and numbers', async t => {
  const server = await openScripted(t)
  const grid = { lr: [1e-7], 10: [0.5], 2: ['zwei'], __proto: [true] }
  const { job } = await server.firstTraining({ hyperparams: grid })
  const worker = await signingWorker(server, 'w1')
  await worker.work('build', BUILT)

  const envelope = await worker.work('trial', MODEL)

  const said = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as Statement
  const { externalParameters, resolvedDependencies } = said.predicate.buildDefinition
  const point = { 2: 'zwei', 10: 0.5, __proto: true, lr: 1e-7 }
  assert.deepEqual(externalParameters.hyperparameters, point)
  const hyper = resolvedDependencies?.find(one => one.annotations?.role === 'hyperparams')
  assert.equal(hyper?.digest?.sha256, hexOf(digestOf(canonical(point))))
  const model = (await server.job(job!.jobId)).models[0]!.modelId!
  assert.deepEqual(badOf(await verdictOn(server, await evidence(server, model))), [])
})

/** The statement with a text that says the same to some readers and something else to others. */
function resaid(statement: Statement, key: Key, change: (text: string) => string): Envelope {
  const payload = Buffer.from(change(JSON.stringify(statement)))
  const head = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `
  const sig = sign(null, Buffer.concat([Buffer.from(head), payload]), key.privateKey)
  const signatures = [{ keyid: key.kid, sig: sig.toString('base64') }]
  return { payloadType: PAYLOAD_TYPE, payload: payload.toString('base64'), signatures }
}

test('a report is refused unless its statement says what was ordered and what came', async t => {
  const { server, worker } = await openSigning(t)
  await worker.work('build', BUILT)
  const order = await worker.claim('trial')
  const report = await worker.ended(order, MODEL)
  const good = await worker.statement(order, report)
  const other = await signingWorker(server, 'w2')
  const changed = (change: (statement: Record<string, never>) => void): Envelope => {
    const copy = structuredClone(good) as unknown as Record<string, never>
    change(copy)
    return signedEnvelope(copy as unknown as Statement, worker.key)
  }
  const run = (one: object) => one as never as { predicate: Statement['predicate'] }
  const forged: Record<string, Envelope | undefined> = {
    'is not signed': undefined,
    'none of the known keys': { ...signedEnvelope(good, worker.key), payload: 'e30=' },
    'a member twice': resaid(good, worker.key, text => text.replace('{', '{"_type":"other",')),
    'key of another worker': signedEnvelope(good, other.key),
    'is not enrolled': signedEnvelope(good, newKey()),
    'subject.0.digest': changed(one => {
      Object.assign(run(one), { subject: [{ name: good.subject[0]?.name, digest: { a: '00' } }] })
    }),
    'resolvedDependencies.3.digest': changed(one => {
      Object.assign(run(one).predicate.buildDefinition.resolvedDependencies![3]!, {
        digest: { kaosTree: '0'.repeat(64) },
      })
    }),
    'resolvedDependencies.5': changed(one => {
      Object.assign(run(one).predicate.buildDefinition.resolvedDependencies!, {
        5: { name: 'more' },
      })
    }),
    'builder.id': changed(one => {
      Object.assign(run(one).predicate.runDetails.builder, { id: 'somebody' })
    }),
    'metadata.invocationId': changed(one => {
      Object.assign(run(one).predicate.runDetails.metadata!, { invocationId: 'another' })
    }),
    'externalParameters.more': changed(one => {
      Object.assign(run(one).predicate.buildDefinition.externalParameters, { more: 1 })
    }),
  }

  for (const [why, attestation] of Object.entries(forged)) {
    const answer = await worker.report(order, { ...report, ...(attestation && { attestation }) })

    assert.ok([403, 422].includes(answer.statusCode), `${why}: ${answer.body}`)
    assert.ok(answer.json().message.includes(why), `${why}: ${answer.body}`)
  }
  const attestation = signedEnvelope(good, worker.key)
  const taken = await worker.report(order, { ...report, attestation })
  assert.equal(taken.statusCode, 200, taken.body)
})

test('an attempt that lost leaves no statement, however well it was signed', async t => {
  const { server, worker, job } = await openSigning(t)
  await worker.work('build', BUILT)
  const first = await worker.claim('trial')
  const report = await worker.ended(first, MODEL)
  const lost = await worker.envelope(first, report)
  await server.report(first, { state: 'lost', reason: 'the host went away' })
  const won = await worker.work('trial', MODEL)

  const late = await worker.report(first, { ...report, attestation: lost })

  assert.equal(late.json().code, 'ATTEMPT_STALE')
  const model = (await server.job(job)).models[0]!.modelId!
  const { signed } = await verdictOn(server, await evidence(server, model))
  const hashes = signed.map(one => one.sha256)
  const hashOf = (envelope: Envelope) => hexOf(digestOf(envelopeBytes(envelope)))
  assert.deepEqual([hashes.includes(hashOf(won)), hashes.includes(hashOf(lost))], [true, false])
  const id = await fileDigestOf(envelopeBytes(lost))
  const asked = await server.call('GET', `/workspaces/mnist/evidence?id=${id}`)
  assert.equal(asked.statusCode, 404)
})

test('a signed statement leads to what it is about', async t => {
  const { build, server } = await openSigned(t)

  const id = await fileDigestOf(envelopeBytes(build))
  const { index } = await verdictOn(server, await evidence(server, id))

  assert.equal(index.subject.kind, 'image')
})

test('a model that nobody signed is not proved, and what is not there is not found', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  await server.trial()
  const model = (await server.job(job!.jobId)).models[0]!.modelId!

  const verdict = await verdictOn(server, await evidence(server, model))
  const nothing = await server.call('GET', '/workspaces/mnist/evidence?id=nothing')
  const activity = await server.call('GET', `/workspaces/mnist/evidence?id=${job!.jobId}`)

  assert.deepEqual(badOf(verdict), [`signature: nobody signed model ${model}`])
  assert.equal(nothing.statusCode, 404)
  assert.match(activity.json().message, /is a train, of which there are no bytes/)
})
