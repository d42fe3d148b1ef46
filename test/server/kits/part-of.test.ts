import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrive, openScene, partsOf, type Scene } from './arriving.ts'
import { type KitOrder, packKit } from './kit.ts'
import { LEGALCHAT, PARTS } from './legalchat.ts'

type Kinds = Parameters<Scene['parts']['kits']['partOf']>[1]

async function partOf(scene: Scene, order: KitOrder, kinds: Kinds, name?: string) {
  const pushed = await arrive(scene, packKit(order))
  return scene.parts.kits.partOf(pushed!.artifact, kinds, name)
}

test('the model, the code and a data set of a kit are found by what they are wanted for', async t => {
  const scene = await openScene(t)
  const pushed = await arrive(scene, packKit(LEGALCHAT))
  const { legalchat, train, samples } = await partsOf(scene, pushed!)
  const { partOf } = scene.parts.kits
  const artifact = pushed!.artifact

  assert.equal((await partOf(artifact, ['model']))?.id, legalchat!.node!.id)
  assert.equal((await partOf(artifact, ['train-source']))?.id, train!.node!.id)
  assert.equal((await partOf(artifact, ['data'], 'samples'))?.id, samples!.node!.id)
  assert.equal((await partOf(artifact, ['data'], 'safe'))?.id, samples!.node!.id)
  assert.equal(await partOf(artifact, ['data'], 'nothing'), undefined)
})

test('several data sets are named, so that one can be chosen', async t => {
  const scene = await openScene(t)

  await assert.rejects(partOf(scene, LEGALCHAT, ['data']), {
    code: 'AMBIGUOUS',
    message: /has several parts that fit: customers, samples; name one after #, like …#customers/,
  })
})

test('a kit without the part that is wanted has none', async t => {
  const scene = await openScene(t)
  const order = { layers: [PARTS.customers] }

  assert.equal(await partOf(scene, order, ['model']), undefined)
})

test('code that cannot be trained with is refused, and what it lacks is named', async t => {
  const scene = await openScene(t)
  const code = { ...PARTS.code, path: 'notebooks', files: { 'a.ipynb': '{}' } }

  await assert.rejects(partOf(scene, { layers: [code] }, ['train-source']), {
    code: 'INVALID_BUNDLE',
    message:
      /the part notebooks of .* cannot be used: .* has no folder model; add notebooks\/model\/train/,
  })
})

test('code to train with is refused for serving, and what it lacks is named', async t => {
  const scene = await openScene(t)

  await assert.rejects(partOf(scene, { layers: [PARTS.code] }, ['serve-source']), {
    code: 'INVALID_BUNDLE',
    message: /lacks model\/serve; add a program train\/model\/serve that serves/,
  })
})

test('code that cannot be trained with can still be fetched', async t => {
  const scene = await openScene(t)
  const notebooks = { ...PARTS.code, path: 'notebooks', files: { 'a.ipynb': '{}' } }

  const found = await partOf(scene, { layers: [notebooks] }, ['data', 'train-source'], 'notebooks')

  assert.equal(found?.attributes.folder, 'notebooks')
})

test('of several code parts the one that can be used is taken', async t => {
  const scene = await openScene(t)
  const notebooks = { ...PARTS.code, path: 'notebooks', files: { 'a.ipynb': '{}' } }

  const found = await partOf(scene, { layers: [notebooks, PARTS.code] }, ['train-source'])

  assert.equal(found?.attributes.folder, 'train')
})
