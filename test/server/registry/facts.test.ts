import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import type { Node } from '../../../graph/ledger.ts'
import { readSmallFile, walkTree } from '../../../store/trees.ts'
import { CONFIG, IMAGE, INDEX, openRegistry, type TestRegistry } from './client.ts'

test('a push is an import by somebody, and its manifest an artifact that is whole by itself', async t => {
  const registry = await openRegistry(t)
  const { digest, bytes, size } = await registry.image('mnist/app', 'v1')

  const [artifact] = await artifactsOf(registry)
  const { ledger, store, people } = registry.parts
  const { nodes, edges } = await ledger.lineage(artifact!.id, { direction: 'up' })

  const { attributes } = artifact!
  assert.deepEqual(
    [attributes.manifest, attributes.mediaType, attributes.artifactType, attributes.size],
    [digest, IMAGE, CONFIG, size],
  )
  assert.equal(artifact!.name, `app:${digest.slice(7, 12)}`)
  const activity = nodes.find(node => node.kind === 'import')!
  const has = (from: string, relation: string, to: string) =>
    edges.some(edge => edge.from === from && edge.relation === relation && edge.to === to)
  assert.ok(has(artifact!.id, 'wasGeneratedBy', activity.id))
  assert.ok(has(artifact!.id, 'wasAttributedTo', people.local.id))
  assert.ok(has(activity.id, 'wasAssociatedWith', people.local.id))
  const files = await Array.fromAsync(walkTree(store, artifact!.digest!))
  const { config, layers } = JSON.parse(bytes.toString())
  const named = [digest, config.digest, layers[0].digest].map(one => one.replace(':', '/'))
  assert.deepEqual(
    files.map(file => file.path),
    [...named.map(one => `blobs/${one}`).sort(), 'index.json', 'oci-layout'],
  )
  const index = files.find(file => file.path === 'index.json')!
  const top = JSON.parse((await readSmallFile(store, index.entry, 10_000)).toString())
  assert.deepEqual(top.manifests, [{ mediaType: IMAGE, digest, size }])
})

test('the same manifest again is no new entity, and a tag that stands there already no new fact', async t => {
  const registry = await openRegistry(t)
  const { bytes } = await registry.image('mnist/app', 'v1')
  const before = await registry.parts.ledger.head()

  const again = await push(registry, 'v1', bytes)
  const same = await registry.parts.ledger.head()
  const tagged = await push(registry, 'v2', bytes)

  assert.deepEqual([again.statusCode, tagged.statusCode], [201, 201])
  assert.deepEqual(same, before)
  assert.equal((await artifactsOf(registry)).length, 1)
  assert.equal((await statementsOf(registry)).at(-1)?.type, 'tag.moved')
})

test('every move of a tag says who moved it, from where and to where', async t => {
  const registry = await openRegistry(t)
  await registry.image('mnist/app', 'champion')
  await registry.image('mnist/app', 'champion')
  await registry.call('DELETE', '/v2/mnist/app/manifests/champion')

  const moves = (await statementsOf(registry)).filter(one => one.type === 'tag.moved')

  const [second, first] = (await artifactsOf(registry)).map(node => node.id)
  const of = { repository: 'app', tag: 'champion' }
  assert.deepEqual(
    moves.map(move => move.detail),
    [
      { ...of, from: null, to: first },
      { ...of, from: first, to: second },
      { ...of, from: second, to: null },
    ],
  )
  assert.ok(moves.every(move => move.actor === registry.parts.people.local.id))
})

test('each new manifest that gets a tag is the next version, helpers of other tools are none', async t => {
  const registry = await openRegistry(t)
  const first = await registry.image('mnist/app', 'v1')
  await registry.image('mnist/app', undefined)
  await registry.image('mnist/app', `sha256-${first.digest.slice(7)}.sig`)
  await push(registry, 'again', first.bytes)
  await registry.image('mnist/app', 'v2')

  const versions = await registry.parts.ledger.pointers('version/')

  assert.deepEqual(
    versions.map(({ name }) => name.split('/').at(-1)),
    ['00000001', '00000002'],
  )
})

test('a version that was deleted leaves a fact behind, and its number is not given again', async t => {
  const registry = await openRegistry(t)
  const { digest } = await registry.image('mnist/app', 'v1')
  await registry.call('DELETE', `/v2/mnist/app/manifests/${digest}`)
  await registry.image('mnist/app', 'v2')

  const versions = await registry.parts.ledger.pointers('version/')
  const removed = (await statementsOf(registry)).find(one => one.type === 'version.removed')

  assert.deepEqual(
    versions.map(({ name }) => name.split('/').at(-1)),
    ['00000002'],
  )
  assert.equal(removed?.actor, registry.parts.people.local.id)
  assert.equal((await artifactsOf(registry)).length, 2)
})

test('an index has its manifests as members, and what refers to something derives from it', async t => {
  const registry = await openRegistry(t)
  const child = await registry.image('mnist/app', undefined)
  const { mediaType, digest, size } = child
  const manifests = [{ mediaType, digest, size }]
  await registry.manifest('mnist/app', 'all', { schemaVersion: 2, manifests }, INDEX)
  await registry.image('mnist/app', undefined, { subject: { mediaType, digest, size } })

  const [signature, index, image] = await artifactsOf(registry)
  const { ledger, store } = registry.parts
  const below = await ledger.lineage(image!.id, { direction: 'down', depth: 1 })

  const edges = below.edges.filter(edge => edge.to === image!.id)
  assert.deepEqual(
    edges.map(({ from, relation, role }) => [from, relation, role ?? null]).sort(),
    [
      [index!.id, 'hadMember', null],
      [signature!.id, 'wasDerivedFrom', 'subject'],
    ].sort(),
  )
  const files = await Array.fromAsync(walkTree(store, index!.digest!))
  assert.ok(files.some(file => file.path === `blobs/${digest.replace(':', '/')}`))
})

test('two pushes of one tag both count: one stands, both are facts', async t => {
  const registry = await openRegistry(t)
  const images = await Promise.all(
    Array.from({ length: 8 }, () => registry.image('mnist/app', undefined)),
  )

  const answers = await Promise.all(images.map(image => push(registry, 'latest', image.bytes)))

  assert.deepEqual(new Set(answers.map(answer => answer.statusCode)), new Set([201]))
  const moves = (await statementsOf(registry)).filter(one => one.type === 'tag.moved')
  assert.equal(moves.length, 8)
  for (const [i, move] of moves.entries()) {
    assert.equal(move.detail?.from, i === 0 ? null : moves[i - 1]?.detail?.to)
  }
  const versions = await registry.parts.ledger.pointers('version/')
  assert.equal(versions.length, 8)
})

test('equal content under many tags and repositories is stored once', async t => {
  const registry = await openRegistry(t)
  const layer = await registry.blob('mnist/app', randomBytes(500_000))
  const config = await registry.blob('mnist/app', '{}', CONFIG)
  const content = { schemaVersion: 2, config, layers: [layer] }
  await registry.manifest('mnist/app', 'v1', content)
  const before = (await registry.parts.store.stats()).bytes

  await registry.manifest('mnist/app', 'v2', content)
  for (const { digest } of [layer, config]) {
    await registry.call('POST', `/v2/mnist/copy/blobs/uploads/?mount=${digest}&from=mnist/app`)
  }
  await registry.manifest('mnist/copy', 'v1', content)

  assert.equal((await registry.parts.store.stats()).bytes, before)
})

interface Said {
  readonly type: string
  readonly actor: string
  readonly detail?: { readonly [key: string]: unknown }
}

async function statementsOf({ parts }: TestRegistry): Promise<Said[]> {
  const entries = await parts.ledger.log(0, 1000)
  return entries.map(entry => JSON.parse(String(entry.payload)))
}

/** Newest first. */
function artifactsOf({ parts }: TestRegistry): Promise<Node[]> {
  const { organisation } = parts.people.local
  return parts.ledger.nodes({ organisation, kind: 'artifact', limit: 100 })
}

function push({ call }: TestRegistry, tag: string, payload: Buffer) {
  return call('PUT', `/v2/mnist/app/manifests/${tag}`, {
    payload,
    headers: { 'content-type': IMAGE },
  })
}
