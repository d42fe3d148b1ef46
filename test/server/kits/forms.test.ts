import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { arrive, openScene, partsOf } from './arriving.ts'
import { archiveOf, packKit, sha256 } from './kit.ts'
import { LEGALCHAT, PARTS } from './legalchat.ts'

const zstd = promisify(zstdCompress)

test('a kit that names another in the place of its model derives from it', async t => {
  const scene = await openScene(t)
  const { ledger, people } = scene.parts
  const base = await arrive(scene, packKit(LEGALCHAT), 'base')
  await ledger.commit({
    actor: people.local.id,
    organisation: scene.workspace.organisation,
    statements: [
      {
        type: 'tag.moved',
        moves: [{ pointer: `tag/${scene.workspace.id}/base/v1`, target: base!.artifact.id }],
      },
    ],
  })
  const named = (path: string) => packKit({ model: { path }, layers: [PARTS.samples] })

  const known = await arrive(scene, named('kaos.test:8080/legal/base:v1'))
  const elsewhere = await arrive(scene, named('other.test/legal/base:v1'))

  const derived = { relation: 'wasDerivedFrom', to: base!.artifact.id, role: 'model' }
  assert.partialDeepStrictEqual(known!.edges.at(-1), derived)
  assert.deepEqual(
    elsewhere!.edges.filter(edge => edge.relation === 'wasDerivedFrom'),
    [],
  )
  const model = await scene.parts.kits.partOf(known!.artifact, ['model'])
  assert.equal(model?.id, (await partsOf(scene, base!)).legalchat!.node!.id)
})

test('a ModelPack is read, also under its older name, with a layer for each file', async t => {
  const scene = await openScene(t)
  const raw = Buffer.from('weights')
  const archive = archiveOf({ path: 'm', files: { 'config.json': '{}' } })
  const compressed = await zstd(archive)
  const data = archiveOf(PARTS.customers)
  const config = Buffer.from(JSON.stringify({ descriptor: { name: 'packed', licenses: ['MIT'] } }))
  const blobs = new Map([raw, compressed, data, config].map(one => [sha256(one), one]))
  const layer = (kind: string, bytes: Buffer, path: string) => ({
    mediaType: `application/vnd.cnai.model.${kind}`,
    digest: sha256(bytes),
    size: bytes.length,
    annotations: { 'org.cnai.model.filepath': path },
  })
  const manifest = {
    schemaVersion: 2,
    artifactType: 'application/vnd.cnai.model.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.cnai.model.config.v1+json',
      digest: sha256(config),
      size: config.length,
    },
    layers: [
      layer('weight.v1.raw', raw, 'm/weights.bin'),
      layer('weight.config.v1.tar+zstd', compressed, 'm/config.json'),
      layer('dataset.v1.tar', data, 'data'),
    ],
  }
  const cnai = JSON.stringify(manifest)

  for (const text of [cnai, cnai.replaceAll('cnai', 'cncf')]) {
    const pushed = await arrive(scene, { manifest: Buffer.from(text), blobs }, 'packed')
    const parts = await partsOf(scene, pushed!)
    assert.deepEqual(parts['m/weights.bin']!.files, {
      'config.json': '{}',
      'weights.bin': 'weights',
    })
    assert.deepEqual(parts.data!.files, PARTS.customers.files)
  }
  const [about] = await scene.parts.ledger.pointers(`about/${scene.workspace.id}/packed`)
  const { title, licence } = (await scene.parts.ledger.node(about!.target))!.attributes
  assert.deepEqual([title, licence], ['packed', 'MIT'])
})

test('an image is no kit', async t => {
  const scene = await openScene(t)
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: 'sha256:',
    size: 2,
  }
  const image = { schemaVersion: 2, config, layers: [] }

  const found = await arrive(scene, {
    manifest: Buffer.from(JSON.stringify(image)),
    blobs: new Map(),
  })

  assert.equal(found, undefined)
})
