/* Over HTTP, as kit and oras do it: what is kept is pulled, and what was pushed is trained with. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { entriesOf, entryAt } from '../../../store/trees.ts'
import { openScripted, type Scripted, SERVE } from '../jobs/scripted.ts'
import { packKit } from './kit.ts'
import { KitClient, type Pulled } from './kit-client.ts'
import { LEGALCHAT, PARTS } from './legalchat.ts'
import { filesIn } from './unpacked.ts'

interface Scene {
  readonly scripted: Scripted
  readonly base: string
  readonly kit: KitClient
}

async function listening(scripted: Scripted): Promise<Scene> {
  const base = await scripted.test.listen()
  return { scripted, base, kit: new KitClient(base) }
}

/** A trained model, tagged as digits:trained; its own name as well. */
async function trained(t: TestContext): Promise<Scene & { name: string }> {
  const scripted = await openScripted(t)
  await scripted.firstTraining()
  await scripted.build()
  await scripted.trial()
  const { models } = await scripted.ask<{ models: { modelId: string }[] }>(
    'GET',
    '/workspaces/mnist/models',
  )
  const name = models[0]!.modelId
  const tags = { reference: name, tags: ['trained'] }
  await scripted.ask('POST', '/workspaces/mnist/repositories/digits/tags', tags)
  return { ...(await listening(scripted)), name }
}

async function filesOf({ kit }: Scene, repository: string, { manifest }: Pulled) {
  const files: Record<string, string> = {}
  for (const layer of manifest.layers) {
    Object.assign(files, await filesIn(await kit.blob(repository, layer)))
  }
  return files
}

test('a model is pulled by tag, by version, by digest and by its own name, always the same', async t => {
  const scene = await trained(t)
  const { kit, name } = scene

  const tagged = (await kit.pull('mnist/digits', 'trained'))!

  const [own = '', suffix = ''] = name.split(':')
  assert.equal((await kit.pull('mnist/digits', 'v1'))!.digest, tagged.digest)
  assert.equal((await kit.pull('mnist/digits', tagged.digest))!.digest, tagged.digest)
  assert.equal((await kit.pull(`mnist/${own}`, suffix))!.digest, tagged.digest)
  const files = await filesOf(scene, 'mnist/digits', tagged)
  assert.deepEqual(Object.keys(files), [
    `${suffix}/metrics/metrics.json`,
    `${suffix}/model/model.pkl`,
    'mnist/Dockerfile',
    'mnist/model/__init__.py',
    'mnist/model/train',
    'features/a.csv',
  ])
  assert.equal(files['features/a.csv'], '1,2\n')
})

test('data and source bundles are pulled by the names they have', async t => {
  const scripted = await openScripted(t)
  await scripted.workspace()
  const data = await scripted.bundle('data', 'features', { 'a.csv': '1\n' })
  const source = await scripted.bundle('serve-source', 'server', SERVE)
  const scene = await listening(scripted)
  const { kit } = scene

  const features = (await kit.pull('mnist/features', 'v1'))!
  const [folder = '', digits = ''] = source.name.split(':')
  const server = (await kit.pull(`mnist/${folder}`, digits))!

  assert.deepEqual(await filesOf(scene, 'mnist/features', features), { 'features/a.csv': '1\n' })
  const files = await filesOf(scene, 'mnist/server', server)
  assert.deepEqual(Object.keys(files), ['server/Dockerfile', 'server/model/serve'])
  const short = (await kit.pull('mnist/features', data.name.split(':')[1]!))!
  assert.equal(short.digest, features.digest)
  assert.equal(await kit.pull('mnist/server', '00000'), undefined)
})

test('the server makes the same kit after a restart', async t => {
  const scene = await trained(t)
  const before = await scene.kit.pull('mnist/digits', 'trained')

  const again = await listening(await scene.scripted.restart())

  const after = await again.kit.pull('mnist/digits', 'trained')
  assert.equal(after!.digest, before!.digest)
  await filesOf(again, 'mnist/digits', after!)
})

test('a layer that is made while it is sent can be read in ranges', async t => {
  const { base, kit } = await trained(t)
  const { manifest } = (await kit.pull('mnist/digits', 'trained'))!
  const [layer] = manifest.layers
  const whole = await kit.blob('mnist/digits', layer!)

  const url = `${base}/v2/mnist/digits/blobs/${layer!.digest}`
  const part = await fetch(url, { headers: { range: 'bytes=500-1599' } })
  const behind = await fetch(url, { headers: { range: `bytes=${whole.length}-` } })
  const head = await fetch(url, { method: 'HEAD' })

  assert.equal(part.status, 206)
  const bytes = Buffer.from(await part.arrayBuffer())
  assert.ok(bytes.equals(whole.subarray(500, 1600)))
  assert.equal(behind.status, 416)
  assert.equal(Number(head.headers.get('content-length')), whole.length)
})

test('the ModelPack of a kit is listed as its referrer and can be pulled', async t => {
  const { base, kit } = await trained(t)
  const { digest, manifest } = (await kit.pull('mnist/digits', 'trained'))!

  const [pack, ...others] = await kit.referrers('mnist/digits', digest)

  assert.deepEqual(others, [])
  assert.equal(pack!.artifactType, 'application/vnd.cncf.model.manifest.v1+json')
  const answer = await fetch(`${base}/v2/mnist/digits/manifests/${pack!.digest}`)
  const packed = (await answer.json()) as {
    subject: { digest: string }
    layers: { digest: string }[]
  }
  assert.equal(packed.subject.digest, digest)
  assert.deepEqual(
    packed.layers.map(layer => layer.digest),
    manifest.layers.map(layer => layer.digest),
  )
})

test('a kit that was pulled and is pushed elsewhere is the same entities, and takes no room', async t => {
  const { scripted, kit } = await trained(t)
  const { store, ledger, workspaces, people } = scripted.test.parts
  await kit.pull('mnist/digits', 'trained')
  const before = await store.stats()

  await kit.retag('mnist/digits', 'trained', 'mnist/copy', 'v1')

  const { organisation, id } = await workspaces.find(people.local, 'mnist')
  const models = await ledger.nodes({ organisation, workspace: id, kind: 'model' })
  assert.equal(models.length, 1)
  const [artifact] = await ledger.nodes({ organisation, workspace: id, kind: 'artifact' })
  const { nodes } = await ledger.lineage(artifact!.id, { direction: 'up' })
  const kinds = nodes.map(node => node.kind)
  for (const kind of ['model', 'trial', 'data', 'source']) assert.ok(kinds.includes(kind), kind)
  const after = await store.stats()
  const more = after.bytes - before.bytes
  assert.ok(more < 16 * 1024, `${more} bytes more`)
})

test('a training takes code and data of a pushed kit', async t => {
  const scripted = await openScripted(t)
  await scripted.workspace()
  const { kit, base } = await listening(scripted)
  await kit.push('mnist/chat', 'tuned', packKit(LEGALCHAT))

  const { job } = await scripted.train({
    source: 'kit://mnist/chat:tuned',
    data: `kit://${new URL(base).host}/mnist/chat:tuned#customers`,
  })
  await scripted.build()
  await scripted.trial()

  const { jobId } = job!
  const { state } = (await scripted.job(jobId)).job
  assert.equal(state, 'JOB_SUCCESS')
  const { ledger } = scripted.test.parts
  const { nodes } = await ledger.lineage(jobId, { direction: 'up', relations: ['used'] })
  const folders = nodes.map(node => node.attributes.folder).filter(folder => folder !== undefined)
  assert.deepEqual(folders.sort(), ['data', 'train'])
})

test('a training on a kit whose code cannot train is refused, and what it lacks is named', async t => {
  const scripted = await openScripted(t)
  await scripted.workspace()
  const { kit } = await listening(scripted)
  const code = {
    ...PARTS.code,
    files: { Dockerfile: 'FROM scratch\n', 'model/serve': '#!/bin/sh\n' },
  }
  await kit.push('mnist/chat', 'tuned', packKit({ layers: [code, PARTS.samples] }))

  const answer = await scripted.call('POST', '/workspaces/mnist/train', {
    source: 'kit://chat:tuned',
    data: 'kit://chat:tuned',
  })

  assert.equal(answer.statusCode, 400)
  assert.match(answer.json().message, /part train of .* lacks model\/train; add a program/)
})

test('a service takes the model of a pushed kit', async t => {
  const scripted = await openScripted(t)
  await scripted.workspace()
  const source = await scripted.bundle('serve-source', 'server', SERVE)
  const { kit } = await listening(scripted)
  await kit.push('mnist/chat', 'champion', packKit(LEGALCHAT))

  const body = { source: source.id, model: 'kit://chat:champion' }
  const answer = await scripted.call('POST', '/workspaces/mnist/serve', body)

  assert.equal(answer.statusCode, 202, answer.body)
  const order = await scripted.claimed(['build'])
  assert.equal(order.work.kind, 'build')
  const { store } = scripted.test.parts
  const folder = await entryAt(
    store,
    (order.work as { source: `sha256:${string}` }).source,
    'model',
  )
  const names = (await entriesOf(store, folder!.digest)).map(entry => entry.name)
  assert.deepEqual(names, ['model.bin', 'serve', 'vocabulary.txt'])
})
