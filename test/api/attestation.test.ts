import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  type Envelope,
  openEnvelope,
  provenanceStatement,
  resourceOf,
  signedEnvelope,
} from '../../api/attestation.ts'
import { digestOf } from '../../api/digest.ts'

const key = { kid: 'one', ...generateKeyPairSync('ed25519') }
const statement = provenanceStatement([resourceOf('model', digestOf('model'))], {
  buildDefinition: {
    buildType: 'https://kaos.dev/job/train/v1',
    externalParameters: { source: 'mnist:e23a2' },
    resolvedDependencies: [resourceOf('data', digestOf('data'))],
  },
  runDetails: { builder: { id: 'kaos' }, metadata: { invocationId: 'attempt' } },
})

describe('a signed envelope', () => {
  it('is opened by whoever knows the key, who learns which one it was', () => {
    const envelope = signedEnvelope(statement, key)

    const opened = openEnvelope(envelope, [{ ...generateKeyPairSync('ed25519'), kid: 'two' }, key])

    assert.deepEqual(opened, { statement, kid: 'one' })
  })

  it('signs the bytes that DSSE prescribes', () => {
    // RFC 8032, section 7.1, test 1: the same key and bytes give the same signature.
    const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
    const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })

    const envelope = signedEnvelope(statement, { kid: 'k', privateKey })

    const body = Buffer.from(envelope.payload, 'base64')
    const head = `DSSEv1 28 application/vnd.in-toto+json ${body.length} `
    const signed = Buffer.concat([Buffer.from(head), body])
    const { verify } = process.getBuiltinModule('node:crypto')
    const signature = Buffer.from(envelope.signatures[0]!.sig, 'base64')
    assert.ok(verify(null, signed, createPublicKey(privateKey), signature))
  })

  it('is refused when anything of it was changed, or it is something else', () => {
    const good = signedEnvelope(statement, key)
    const other = Buffer.from(JSON.stringify({ ...statement, subject: [] })).toString('base64')
    const forged: Envelope[] = [
      { ...good, payload: other },
      { ...good, payloadType: 'text/plain' },
      { ...good, signatures: [] },
      { ...good, signatures: [{ keyid: 'two', sig: good.signatures[0]!.sig }] },
      { ...good, signatures: [{ sig: 'AAAA' }] },
      signedEnvelope({ ...statement, subject: [] }, key),
      signedEnvelope({ ...statement, predicateType: 'https://example.com' }, key),
    ]

    for (const envelope of forged) {
      assert.throws(() => openEnvelope(envelope, [key]), { code: 'SIGNATURE_INVALID' })
    }
  })
})
