import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'
import { pack } from 'tar-stream'
import { type Digest, digestOf } from '../../../api/digest.ts'
import { encodeFile } from '../../../api/tree.ts'
import type { Store } from '../../../store/store.ts'
import { TarCutter } from '../../../store/tar-cuts.ts'
import { noise } from '../../store/bytes.ts'
import { arrive, openScene, partsOf, withLayer } from './arriving.ts'
import { archiveOf, type Kit, type KitOrder, packKit, sha256 } from './kit.ts'
import { LEGALCHAT, LEGALCHAT_DIGEST, PARTS } from './legalchat.ts'

const gzip = promisify(gzipCallback)
test('a kit is packed in these tests as kit 1.7.0 packs it', () => {
  assert.equal(packKit(LEGALCHAT).digest, LEGALCHAT_DIGEST)
})

test('the parts of a pushed kit become entities with the files that were packed', async t => {
  const scene = await openScene(t)

  const pushed = await arrive(scene, packKit(LEGALCHAT))

  const parts = await partsOf(scene, pushed!)
  assert.deepEqual(Object.keys(parts), ['legalchat', 'train', 'customers', 'samples'])
  assert.deepEqual(parts.legalchat?.files, {
    'model.bin': 'weights 1\n',
    'vocabulary.txt': 'vocabulary',
  })
  assert.deepEqual(parts.train?.files, {
    Dockerfile: 'FROM scratch\n',
    'model/train': '*#!/bin/sh\ntrue\n',
  })
  assert.equal(parts.train?.node?.attributes.purpose, 'train')
  assert.deepEqual(parts.customers?.files, { 'customers.csv': 'name,number\nJo,1\n' })
  assert.equal(parts.customers?.node?.attributes.folder, 'data')
})

test('name, description and licence of the first kit describe its repository, later ones do not', async t => {
  const scene = await openScene(t)
  const { ledger } = scene.parts
  await arrive(scene, packKit(LEGALCHAT))

  const other = { ...LEGALCHAT, package: { name: 'other', description: 'something else' } }
  await arrive(scene, packKit(other))

  const [about] = await ledger.pointers(`about/${scene.workspace.id}/chat`)
  const node = await ledger.node(about!.target)
  const { title, description, licence } = node!.attributes
  assert.deepEqual(
    [title, description, licence],
    ['legalchat', 'Answers legal questions', 'Apache-2.0'],
  )
})

test('what the workspace has already is found by its bytes and joined, not made again', async t => {
  const scene = await openScene(t)
  const first = await arrive(scene, packKit(LEGALCHAT), 'chat/full')
  const before = await scene.parts.store.stats()

  const { model, vocabulary, code, samples } = PARTS
  const safe = packKit({ ...LEGALCHAT, layers: [model, vocabulary, code, samples] })
  const second = await arrive(scene, safe, 'chat/safe')

  assert.deepEqual(
    second!.nodes.map(node => node.kind),
    [],
  )
  const [full, kept] = [await partsOf(scene, first!), await partsOf(scene, second!)]
  assert.deepEqual(Object.keys(kept), ['legalchat', 'train', 'samples'])
  for (const [name, { node }] of Object.entries(kept)) assert.equal(node!.id, full[name]!.node!.id)
  const after = await scene.parts.store.stats()
  assert.equal(after.bytes, before.bytes)
})

test('two parts with the same files are two things, also when they are pushed again', async t => {
  const scene = await openScene(t)
  const { customers } = PARTS
  const twice: KitOrder = {
    layers: [customers, { ...customers, name: 'copies', path: 'copies' }],
  }

  for (const repository of ['first', 'second']) {
    const pushed = await arrive(scene, packKit(twice), repository)
    const { parts } = pushed!.artifact.attributes
    const entities = (parts as { entity: string }[]).map(part => part.entity)
    assert.equal(new Set(entities).size, 2)
  }

  const { id, organisation } = scene.workspace
  const all = await scene.parts.ledger.nodes({ organisation, workspace: id, kind: 'data' })
  assert.equal(all.length, 2)
})

test('what was purged is not taken for a part: its bytes came anew', async t => {
  const scene = await openScene(t)
  const { ledger, people } = scene.parts
  const first = await partsOf(scene, (await arrive(scene, packKit(LEGALCHAT)))!)
  const { id } = first.customers!.node!
  await ledger.commit({
    actor: people.local.id,
    organisation: scene.workspace.organisation,
    statements: [{ type: 'content.purged', moves: [{ pointer: `purged/${id}`, target: id }] }],
  })

  const again = await arrive(scene, packKit(LEGALCHAT), 'other')

  const second = await partsOf(scene, again!)
  assert.notEqual(second.customers!.node!.id, id)
  assert.equal(second.samples!.node!.id, first.samples!.node!.id)
})

test('a Kitfile that says more than a fact can hold is kept in the artifact alone', async t => {
  const scene = await openScene(t)
  const description = 'long '.repeat(20_000)
  const layers = [{ ...PARTS.samples, description }, PARTS.customers]
  const order = { package: { name: 'chat', description, version: '1' }, layers }

  const pushed = await arrive(scene, packKit(order))

  assert.deepEqual(pushed!.artifact.attributes.kitfile, { name: 'chat', version: '1' })
  const { samples } = await partsOf(scene, pushed!)
  assert.equal(samples!.node!.attributes.kitfile, undefined)
})

test('a layer that kit packed can be made of its part again, byte for byte', async t => {
  const scene = await openScene(t)
  const { views } = scene.parts.kits
  const kit = packKit(LEGALCHAT)

  const { recipes } = (await arrive(scene, kit))!

  const made: Record<string, Buffer> = {}
  for (const { digest, view } of recipes) {
    const blob = await views(view)
    made[digest] = Buffer.concat(await Array.fromAsync(blob!.read()))
  }
  const [, , code, customers, samples] = kit.layers as [string, string, string, string, string]
  assert.deepEqual(Object.keys(made).sort(), [code, customers, samples].sort())
  for (const [digest, bytes] of Object.entries(made)) assert.equal(sha256(bytes), digest)
})

/** The blobs as files of the store, cut as the registry cuts what it is sent. */
async function filesOf(store: Store, { blobs }: Kit): Promise<Map<string, Digest>> {
  const files = new Map<string, Digest>()
  for (const [digest, bytes] of blobs) {
    const cutter = new TarCutter()
    const chunks = [...cutter.push(bytes), ...cutter.end()]
    const list = encodeFile(chunks.map(one => ({ digest: digestOf(one), length: one.length })))
    await store.put([...chunks, list])
    files.set(digest, digestOf(list))
  }
  return files
}

test('a layer that is stored already is not read again to find its large files', async t => {
  const scene = await openScene(t)
  const { store } = scene.parts
  const large = noise(2_000_000, 7)
  const files = { 'a/large.bin': large, 'a/small.txt': 'small', 'b.bin': noise(300_000, 8) }
  const kit = packKit({ layers: [{ kind: 'dataset', name: 'data', path: 'data', files }] })
  const read = await arrive(scene, kit, 'read')
  const stored = await filesOf(store, kit)
  let bytes = 0
  const get = store.get.bind(store)
  t.mock.method(store, 'get', async (digest: Digest) => {
    const object = await get(digest)
    bytes += object.length
    return object
  })

  const found = await arrive(scene, kit, 'found', stored)

  assert.ok(bytes < 100_000, `${bytes} bytes were read`)
  assert.deepEqual(found!.nodes, [])
  const [one, other] = [await partsOf(scene, read!), await partsOf(scene, found!)]
  assert.equal(other.data!.node!.id, one.data!.node!.id)
})

test('empty folders and files are kept', async t => {
  const scene = await openScene(t)
  const archive = pack()
  archive.entry({ name: 'data', type: 'directory' })
  archive.entry({ name: 'data/none', type: 'directory' })
  archive.entry({ name: 'data/deep/none', type: 'directory' })
  archive.entry({ name: 'data/empty' }, '')
  archive.finalize()
  const bytes = Buffer.concat((await Array.fromAsync(archive)) as Buffer[])
  const kit = withLayer('dataset', 'data', bytes)

  const pushed = await arrive(scene, kit)

  const { data } = await partsOf(scene, pushed!)
  const again = packKit({
    layers: [{ kind: 'dataset', name: 'data', path: 'data', files: { empty: '' } }],
  })
  const plain = await partsOf(scene, (await arrive(scene, again))!)
  assert.deepEqual(data!.files, { empty: '' })
  assert.notEqual(data!.node!.digest, plain.data!.node!.digest)
})

test('a compressed layer holds the same part as the plain one', async t => {
  const scene = await openScene(t)
  const archive = archiveOf(PARTS.customers)
  const plain = await arrive(scene, withLayer('dataset', 'data', archive))

  const packed = await arrive(scene, withLayer('dataset', 'data', await gzip(archive), '+gzip'))

  assert.deepEqual(packed!.nodes, [])
  assert.deepEqual(packed!.recipes, [])
  const [one, other] = [await partsOf(scene, plain!), await partsOf(scene, packed!)]
  assert.equal(other.data!.node!.id, one.data!.node!.id)
})

test('a layer that holds what it should not is refused, and nothing of it is said', async t => {
  const scene = await openScene(t)
  const archive = pack()
  archive.entry({ name: 'data/link', type: 'symlink', linkname: '/etc/passwd' })
  archive.finalize()
  const link = Buffer.concat((await Array.fromAsync(archive)) as Buffer[])
  const twice = Buffer.concat([
    archiveOf(PARTS.customers).subarray(512, 1536),
    archiveOf(PARTS.customers),
  ])

  for (const kind of ['dataset', 'docs']) {
    const wrong = arrive(scene, withLayer(kind, 'data', link))
    await assert.rejects(wrong, { code: 'INVALID_KIT', message: /"data\/link" is a symbolic link/ })
  }
  const repeated = arrive(scene, withLayer('dataset', 'data', twice))
  await assert.rejects(repeated, { code: 'INVALID_KIT', message: /is there twice/ })
  const { id, organisation } = scene.workspace
  assert.deepEqual(
    await scene.parts.ledger.nodes({ organisation, workspace: id, kind: 'data' }),
    [],
  )
})

test('a Kitfile that does not fit its layers is refused', async t => {
  const scene = await openScene(t)
  const kit = packKit({ layers: [PARTS.customers] })
  const config = Buffer.from(JSON.stringify({ datasets: 'data' }))
  const wrong = JSON.parse(kit.manifest.toString())
  wrong.config = { ...wrong.config, digest: sha256(config), size: config.length }
  const blobs = new Map([...kit.blobs, [sha256(config), config]])

  const notValid = arrive(scene, { manifest: Buffer.from(JSON.stringify(wrong)), blobs })

  await assert.rejects(notValid, { code: 'INVALID_KIT', message: /not valid at datasets/ })
  const missing = withLayer('dataset', 'data', archiveOf(PARTS.customers))
  const text = missing.manifest.toString().replace('modelkit.dataset', 'modelkit.code')
  const unlisted = arrive(scene, { ...missing, manifest: Buffer.from(text) })
  await assert.rejects(unlisted, {
    code: 'INVALID_KIT',
    message: /no entry for a layer of type code/,
  })
})
