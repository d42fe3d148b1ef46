import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Node } from '../../../graph/ledger.ts'
import type { Workspace } from '../../../server/parts.ts'
import type { View } from '../../../server/registry/hooks.ts'
import { openScripted, type Scripted, SERVE } from '../jobs/scripted.ts'
import { filesIn } from './unpacked.ts'

interface Scene {
  readonly scripted: Scripted
  readonly workspace: Workspace
  view(entity: string, repository?: string): Promise<View>
  /** Keeps what a view asks to keep, as the registry does. */
  keep(view: View): Promise<void>
}

function sceneOf(scripted: Scripted, workspace: Workspace): Scene {
  const { ledger, kits, people } = scripted.test.parts
  return {
    scripted,
    workspace,
    async view(entity, repository = 'any') {
      const node = (await ledger.node(entity)) as Node
      return (await kits.view(workspace, repository, node))!
    },
    async keep({ expect, moves }) {
      const statements = [{ type: 'manifest.shown', workspace: workspace.id, moves }]
      const { organisation } = workspace
      await ledger.commit({ actor: people.system.id, organisation, expect, statements })
    },
  }
}

async function openScene(t: TestContext): Promise<Scene> {
  const scripted = await openScripted(t)
  await scripted.workspace()
  return sceneOf(scripted, await workspaceOf(scripted))
}

function workspaceOf({ test }: Scripted): Promise<Workspace> {
  return test.parts.workspaces.find(test.parts.people.local, 'mnist')
}

/** A model trained on a grid, and the ids of what went into it. */
async function trainedModel(t: TestContext): Promise<Scene & { model: string }> {
  const scripted = await openScripted(t)
  await scripted.firstTraining({ hyperparams: { degree: [4], kernel: ['poly'] } })
  await scripted.build()
  await scripted.trial({ accuracy: 0.9 })
  const workspace = await workspaceOf(scripted)
  const { id, organisation } = workspace
  const query = { organisation, workspace: id, kind: 'model' }
  const [model] = await scripted.test.parts.ledger.nodes(query)
  return { ...sceneOf(scripted, workspace), model: model!.id }
}

async function describe({ scripted }: Scene, repository: string, about: object): Promise<void> {
  await scripted.ask('POST', `/workspaces/mnist/repositories/${repository}/about`, about)
}

interface Parsed {
  readonly artifactType?: string
  readonly config: { mediaType: string; digest: string }
  readonly layers: { mediaType: string; digest: string; annotations?: Record<string, string> }[]
  readonly subject?: { digest: string }
}

function parsed({ bytes }: { bytes: Buffer }): Parsed {
  return JSON.parse(bytes.toString())
}

async function bytesOf({ scripted }: Scene, { blobs }: View, digest: string): Promise<Buffer> {
  const blob = blobs.find(one => one.digest === digest)!
  if ('bytes' in blob) return blob.bytes
  const made = await scripted.test.parts.kits.views(blob.view)
  return Buffer.concat(await Array.fromAsync(made!.read()))
}

async function kitfileOf(scene: Scene, view: View) {
  const { config } = parsed(view.manifest)
  return JSON.parse((await bytesOf(scene, view, config.digest)).toString())
}

async function allFiles(scene: Scene, view: View): Promise<Record<string, string>> {
  const found = {}
  for (const { digest } of parsed(view.manifest).layers) {
    Object.assign(found, await filesIn(await bytesOf(scene, view, digest)))
  }
  return found
}

test('a data bundle is a kit with one data set, whose files are those of the bundle', async t => {
  const scene = await openScene(t)
  const bundle = await scene.scripted.bundle('data', 'features', {
    'a.csv': '1,2\n',
    training: { 'b.csv': '3,4\n' },
  })

  const view = await scene.view(bundle.id)

  const { layers } = parsed(view.manifest)
  const [digest] = layers.map(layer => layer.digest)
  assert.deepEqual(
    layers.map(layer => layer.mediaType),
    ['application/vnd.kitops.modelkit.dataset.v1.tar'],
  )
  assert.deepEqual(await kitfileOf(scene, view), {
    manifestVersion: '1.0.0',
    package: { name: 'features' },
    datasets: [{ name: 'features', path: 'features', digest, diffId: digest }],
  })
  assert.deepEqual(await allFiles(scene, view), {
    'features/a.csv': '1,2\n',
    'features/training/b.csv': '3,4\n',
  })
})

test('a source bundle is a kit with one code part', async t => {
  const scene = await openScene(t)
  const source = await scene.scripted.bundle('serve-source', 'mnist', SERVE)

  const view = await scene.view(source.id)

  const kitfile = await kitfileOf(scene, view)
  assert.deepEqual(Object.keys(kitfile), ['manifestVersion', 'package', 'code'])
  assert.equal(kitfile.code[0].path, 'mnist')
  const files = Object.keys(await allFiles(scene, view))
  assert.deepEqual(files, ['mnist/Dockerfile', 'mnist/model/serve'])
})

test('a trained model brings its code, its data and what it was trained with', async t => {
  const scene = await trainedModel(t)

  const view = await scene.view(scene.model)

  const kitfile = await kitfileOf(scene, view)
  const { model } = kitfile
  const suffix = model.path
  assert.match(model.name, new RegExp(`:${suffix}$`))
  assert.deepEqual(model.parameters, {
    hyperparameters: { degree: 4, kernel: 'poly' },
    metrics: { accuracy: 0.9 },
  })
  assert.equal(model.framework, undefined)
  assert.deepEqual(
    [model.parts[0].path, kitfile.code[0].path, kitfile.datasets[0].path],
    ['hyperparameters', 'mnist', 'features'],
  )
  assert.deepEqual(Object.keys(await allFiles(scene, view)), [
    `${suffix}/metrics/metrics.json`,
    `${suffix}/model/model.pkl`,
    'hyperparameters/degree=4_kernel=poly.json',
    'mnist/Dockerfile',
    'mnist/model/__init__.py',
    'mnist/model/train',
    'features/a.csv',
  ])
})

test('the same content is described as a ModelPack that refers to the kit, over the same layers', async t => {
  const scene = await trainedModel(t)

  const view = await scene.view(scene.model)

  const [pack, ...others] = view.referrers
  assert.deepEqual(others, [])
  assert.equal(pack!.subject, view.manifest.digest)
  const [kit, packed] = [parsed(view.manifest), parsed(pack!)]
  assert.equal(packed.artifactType, 'application/vnd.cncf.model.manifest.v1+json')
  assert.equal(packed.subject?.digest, view.manifest.digest)
  assert.deepEqual(
    packed.layers.map(layer => layer.digest),
    kit.layers.map(layer => layer.digest),
  )
  assert.deepEqual(
    packed.layers.map(layer => layer.mediaType.replace('application/vnd.cncf.model.', '')),
    ['weight.v1.tar', 'weight.config.v1.tar', 'code.v1.tar', 'dataset.v1.tar'],
  )
  assert.deepEqual(packed.layers[3]!.annotations, {
    'org.cncf.model.filepath': 'features',
    'org.opencontainers.image.title': 'features.tar',
  })
  const config = JSON.parse((await bytesOf(scene, view, packed.config.digest)).toString())
  assert.deepEqual(
    config.modelfs.diffIds,
    kit.layers.map(layer => layer.digest),
  )
})

test('parts with one name get folders of their own', async t => {
  const scripted = await openScripted(t)
  await scripted.workspace()
  const source = await scripted.bundle('train-source', 'same', {
    Dockerfile: 'FROM scratch\nRUN chmod +x train\n',
    model: { train: '#!/bin/sh\n' },
  })
  const data = await scripted.bundle('data', 'same', { 'a.csv': '1' })
  await scripted.train({ source: source.id, data: data.id })
  await scripted.build()
  await scripted.trial()
  const scene = sceneOf(scripted, await workspaceOf(scripted))
  const { id, organisation } = scene.workspace
  const query = { organisation, workspace: id, kind: 'model' }
  const [model] = await scripted.test.parts.ledger.nodes(query)

  const { code, datasets } = await kitfileOf(scene, await scene.view(model!.id))

  assert.deepEqual([code[0].path, datasets[0].path], ['same', 'same-dataset'])
})

test('no byte of a layer is stored: a view adds nothing to the store', async t => {
  const scene = await trainedModel(t)
  const { store } = scene.scripted.test.parts
  const before = await store.stats()

  const view = await scene.view(scene.model)

  assert.deepEqual((await store.stats()).bytes, before.bytes)
  const made = view.blobs.filter(blob => 'view' in blob).length
  assert.equal(made, 3)
})

test('the same entity is the same kit, after a restart and whatever its description becomes', async t => {
  const scene = await trainedModel(t)
  await describe(scene, 'features', { description: 'reads digits', licence: 'MIT' })
  const first = await scene.view(scene.model, 'features')
  await scene.keep(first)
  await describe(scene, 'features', { licence: 'Apache-2.0' })

  const later = await scene.view(scene.model, 'features')
  const again = await scene.scripted.restart()
  const restarted = await sceneOf(again, await workspaceOf(again)).view(scene.model, 'features')

  assert.equal((await kitfileOf(scene, first)).package.license, 'MIT')
  for (const view of [later, restarted]) {
    assert.equal(view.manifest.digest, first.manifest.digest)
    assert.equal(view.referrers[0]!.digest, first.referrers[0]!.digest)
    assert.deepEqual(view.moves, [])
  }
})

test('two servers that were sent the same folder make the same kit of it', async t => {
  const digests: string[] = []
  for (const scene of [await openScene(t), await openScene(t)]) {
    const bundle = await scene.scripted.bundle('data', 'features', { 'a.csv': '1,2\n' })
    digests.push((await scene.view(bundle.id)).manifest.digest)
  }

  assert.equal(digests[0], digests[1])
})

test('licence and description of the repository are in the kit', async t => {
  const scene = await openScene(t)
  const bundle = await scene.scripted.bundle('data', 'features', { 'a.csv': '1' })
  const about = { title: 'Features', description: 'of digits', licence: 'CC-BY-4.0' }
  await describe(scene, 'features', about)

  const kitfile = await kitfileOf(scene, await scene.view(bundle.id, 'elsewhere'))

  assert.deepEqual(kitfile.package, {
    name: 'Features',
    description: 'of digits',
    license: 'CC-BY-4.0',
  })
  assert.partialDeepStrictEqual(kitfile.datasets[0], {
    description: 'of digits',
    license: 'CC-BY-4.0',
  })
})

test('two who pull for the first time at once get the same, and one of them keeps it', async t => {
  const scene = await trainedModel(t)
  const [one, other] = await Promise.all([scene.view(scene.model), scene.view(scene.model)])

  await scene.keep(one)

  await assert.rejects(scene.keep(other), { code: 'CONFLICT' })
  assert.equal(one.manifest.digest, other.manifest.digest)
  assert.deepEqual((await scene.view(scene.model)).moves, [])
})
