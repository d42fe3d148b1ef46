import assert from 'node:assert/strict'
import test from 'node:test'
import { envelopeBytes, openEnvelope } from '../../../api/attestation.ts'
import { digestOf } from '../../../api/digest.ts'
import { publicKeyOf } from '../../../api/signing-keys.ts'
import type { Scripted } from '../jobs/scripted.ts'
import { badOf, evidence, openSigned, verdictOn } from './signing.ts'

const DSSE = 'application/vnd.in-toto+json'
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const SUMMARY = 'https://slsa.dev/verification_summary/v1'
const PROVENANCE = 'https://slsa.dev/provenance/v1'

interface Descriptor {
  readonly digest: string
  readonly artifactType: string
  readonly size: number
  readonly annotations: Record<string, string>
}

async function oci(server: Scripted, path: string) {
  const answer = await server.test.app.inject({ url: `/v2/mnist/${path}` })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer
}

async function referrers(server: Scripted, repository: string, digest: string) {
  const { manifests } = (await oci(server, `${repository}/referrers/${digest}`)).json()
  return (manifests as Descriptor[]).filter(one => [DSSE, BUNDLE].includes(one.artifactType))
}

/** The layer of a referrer, its manifest read by digest. */
async function layerOf(server: Scripted, repository: string, { digest, size }: Descriptor) {
  const answer = await oci(server, `${repository}/manifests/${digest}`)
  assert.equal(digestOf(answer.rawPayload), digest)
  assert.equal(answer.rawPayload.length, size)
  const { config, layers, subject } = answer.json()
  await oci(server, `${repository}/blobs/${config.digest}`)
  const layer = await oci(server, `${repository}/blobs/${layers[0].digest}`)
  return { subject, bytes: layer.rawPayload, type: layers[0].mediaType as string }
}

test('signed statements refer to the ModelKit of the model, as DSSE and as bundles', async t => {
  const { envelope, model, server } = await openSigned(t)
  const [repository, tag] = model.split(':')
  const shown = await oci(server, `${repository}/manifests/${tag}`)
  const kit = String(shown.headers['docker-content-digest'])

  const listed = await referrers(server, repository!, kit)
  const again = await referrers(server, repository!, kit)

  assert.deepEqual(again, listed)
  const types = listed.map(({ annotations, artifactType }) => {
    const type = annotations.predicateType ?? annotations['dev.sigstore.bundle.predicateType']
    return `${artifactType} ${type}`
  })
  assert.deepEqual(types.sort(), [
    `${BUNDLE} ${PROVENANCE}`,
    `${BUNDLE} ${SUMMARY}`,
    `${DSSE} ${PROVENANCE}`,
    `${DSSE} ${SUMMARY}`,
  ])
  const own = listed.find(one => one.annotations.predicateType === PROVENANCE)!
  const { bytes, subject, type } = await layerOf(server, repository!, own)
  assert.deepEqual(bytes, envelopeBytes(envelope))
  assert.equal(type, 'application/vnd.dsse.envelope.v1+json')
  assert.deepEqual(subject, {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: kit,
    size: shown.rawPayload.length,
  })
})

test('the installation states which manifest shows the model whose statement it checked', async t => {
  const { model, server } = await openSigned(t)
  const [repository, tag] = model.split(':')
  const shown = await oci(server, `${repository}/manifests/${tag}`)
  const kit = String(shown.headers['docker-content-digest'])
  const listed = await referrers(server, repository!, kit)

  const bundle = listed.find(
    one => one.annotations['dev.sigstore.bundle.predicateType'] === SUMMARY,
  )!
  const { bytes } = await layerOf(server, repository!, bundle)

  const { dsseEnvelope, verificationMaterial } = JSON.parse(String(bytes))
  const { kid, publicKey } = await server.test.parts.keys.current()
  assert.deepEqual(verificationMaterial.publicKey, { hint: kid })
  const { statement } = openEnvelope(dsseEnvelope, [{ kid, publicKey }], SUMMARY)
  assert.equal(`sha256:${statement.subject[0]?.digest?.sha256}`, kit)
  const verdict = await verdictOn(server, await evidence(server, model))
  assert.deepEqual(badOf(verdict), [])
  assert.ok(verdict.vouchers.some(({ what }) => what.includes('verification_summary')))
  assert.ok(publicKeyOf((await server.test.parts.keys.list())[0]!.jwk))
})

test('in another repository the same statements refer to the manifest there', async t => {
  const { model, server } = await openSigned(t)
  const tagged = { reference: model, tags: ['best'] }
  await server.ask('POST', '/workspaces/mnist/repositories/champions/tags', tagged)
  const [repository, tag] = model.split(':')
  const first = await oci(server, `${repository}/manifests/${tag}`)
  await referrers(server, repository!, String(first.headers['docker-content-digest']))

  const shown = await oci(server, 'champions/manifests/best')
  const kit = String(shown.headers['docker-content-digest'])
  const listed = await referrers(server, 'champions', kit)

  assert.equal(listed.length, 4)
  assert.equal((await server.test.parts.ledger.verify()).length, 0)
})
