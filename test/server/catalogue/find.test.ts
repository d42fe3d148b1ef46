import assert from 'node:assert/strict'
import test from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { isKaosError } from '../../../api/errors.ts'
import { bundleName, newId } from '../../../api/ids.ts'
import type { EntityView, Problem } from '../../../api/wire.ts'
import type { NewNode, Statement } from '../../../graph/ledger.ts'
import { findEntity, type Sought } from '../../../server/catalogue/find.ts'
import { planTag, planVersion, pointerOf, tagMoved } from '../../../server/catalogue/pointers.ts'
import { openTestApp, type TestApp } from '../open.ts'
import { openShelf } from './shelf.ts'

const digest = (start: string): Digest => `sha256:${start.padEnd(64, '0')}`

/** Facts written as the registry or a training would write them. */
async function facts(server: TestApp, ws: string) {
  const { parts } = server
  const { ledger, people, workspaces } = parts
  const workspace = await workspaces.find(people.local, ws)
  async function state(statement: Partial<Statement>): Promise<void> {
    await ledger.commit({
      actor: people.local.id,
      organisation: workspace.organisation,
      statements: [{ type: 'test.stated', workspace: workspace.id, ...statement }],
    })
  }
  return {
    workspace,
    state,
    async entity(
      kind: string,
      tree: Digest,
      name: string,
      attributes: NewNode['attributes'] = {},
    ): Promise<string> {
      const id = newId()
      const of = { workspace: workspace.id, digest: tree, name, attributes }
      await state({ nodes: [{ id, class: 'entity', kind, ...of }] })
      return id
    },
    async version(repository: string, entity: string): Promise<void> {
      const { moves } = await planVersion(ledger, workspace.id, repository, entity)
      await state({ moves })
    },
    async tag(repository: string, tag: string, entity: string): Promise<void> {
      const planned = await planTag(ledger, workspace.id, repository, tag, entity)
      await state(tagMoved(workspace.id, repository, tag, planned) ?? {})
    },
    find: async (reference: string, ...kinds: Sought[]) =>
      (await findEntity(ledger, workspace, reference, kinds, parts.partOf)).id,
    refusal: (reference: string, ...kinds: Sought[]) =>
      findEntity(ledger, workspace, reference, kinds, parts.partOf).then(
        node => node.id,
        error => (isKaosError(error) ? `${error.code}: ${error.message}` : String(error)),
      ),
  }
}

async function open(t: Parameters<typeof openTestApp>[0]) {
  const server = await openTestApp(t)
  await server.app.inject({ method: 'POST', url: '/api/v1/workspaces', payload: { name: 'mnist' } })
  return facts(server, 'mnist')
}

test('a data set is found by version, number, tag, short id, digest, entity and as the newest', async t => {
  const { entity, version, tag, find } = await open(t)
  const [one, two] = [digest('aaaaa1'), digest('bbbbb2')]
  const v1 = await entity('data', one, bundleName('features', one))
  const v2 = await entity('data', two, bundleName('features', two))
  await version('features', v1)
  await version('features', v2)
  await tag('features', 'clean', v1)
  await tag('features', 'v2', v1)

  const names = {
    features: v2,
    '/features': v2,
    'features@v1': v1,
    'features@1': v1,
    'features:v1': v1,
    'features:clean': v1,
    'features@clean': v1,
    // The tag of that name comes before the number.
    'features@v2': v1,
    'features@2': v2,
    'features:aaaaa': v1,
    '/features:bbbbb': v2,
    'features:bbbbb2': v2,
    [two]: v2,
    [`features@${one}`]: v1,
    [`features:clean@${two}`]: v2,
    [v1]: v1,
    '@latest': v2,
    'kit://features:clean': v1,
    'kit://127.0.0.1:8080/mnist/features:clean': v1,
  }

  for (const [name, id] of Object.entries(names)) assert.equal(await find(name, 'data'), id, name)
})

test('what is not there is told with what is', async t => {
  const { entity, version, tag, refusal } = await open(t)
  const v1 = await entity('data', digest('a'), 'features:a0000')
  await version('features', v1)
  await tag('features', 'clean', v1)

  assert.match(
    await refusal('features@v2', 'data'),
    /^BUNDLE_NOT_FOUND: workspace mnist has no data set features@v2: features has versions up to v1 and the tags clean; see: kaos data list$/,
  )
  assert.match(await refusal('feature', 'data'), /no data set feature; it has features; see/)
  assert.match(
    await refusal('features', 'model'),
    /^MODEL_NOT_FOUND: features is a data set, no model/,
  )
  assert.match(await refusal('mnist:e23a2', 'train-source'), /send it with --source_bundle/)
  assert.match(
    await refusal('kit://host.example/other/x:v1', 'data'),
    /kaos workspace set -n other/,
  )
  for (const odd of ['', ':', '@', 'a:', 'a@', '../x', 'a//b', 'x'.repeat(300), '%', '#', 'a#']) {
    assert.match(await refusal(odd, 'data'), /^BUNDLE_NOT_FOUND/, odd)
  }
})

test('a short id of two contents is ambiguous; more digits tell them apart', async t => {
  const { entity, find, refusal } = await open(t)
  const [one, two] = [digest('abcde1'), digest('abcde2')]
  const first = await entity('data', one, 'features:abcde')
  const second = await entity('data', two, 'features:abcde')
  await entity('source', digest('abcde3'), 'features:abcde', { purpose: 'train' })

  assert.match(
    await refusal('features:abcde', 'data'),
    /^AMBIGUOUS: .* features:abcde2000000, features:abcde1000000; name one/,
  )
  assert.equal(await find('features:abcde1', 'data'), first)
  assert.equal(await find('features:abcde2', 'data'), second)
})

test('a trained model is found by its id or a unique part of it, and by the tag that it got', async t => {
  const { entity, version, tag, find, refusal } = await open(t)
  const one = await entity('model', digest('1'), 'e23a2_9fd9d:b82151')
  const two = await entity('model', digest('2'), 'e23a2_9fd9d:c00fe1')
  await version('mnist', one)
  await tag('mnist', 'champion', one)

  assert.equal(await find('e23a2_9fd9d:b82151', 'model'), one)
  assert.equal(await find('c00f', 'model'), two)
  assert.equal(await find('mnist:champion', 'model'), one)
  assert.equal(await find('mnist', 'model'), one)
  assert.equal(await find('@latest', 'model'), two)
  assert.match(
    await refusal('e23a2', 'model'),
    /^AMBIGUOUS: .*e23a2_9fd9d:c00fe1, e23a2_9fd9d:b82151/,
  )
})

test('a source is found by its purpose, by name, and as the newest of its folder', async t => {
  const { entity, find, refusal } = await open(t)
  const of = (purpose: string) => ({ purpose, folder: 'mnist' })
  const train = await entity('source', digest('abcde'), 'mnist:abcde', of('train'))
  const serve = await entity('source', digest('abcde'), 'mnist:abcde', of('serve'))

  assert.equal(await find('mnist:abcde', 'train-source'), train)
  assert.equal(await find('mnist:abcde', 'serve-source'), serve)
  assert.equal(await find('mnist', 'train-source'), train)
  assert.equal(await find('@latest', 'train-source'), train)
  assert.match(
    await refusal(train, 'serve-source'),
    /is a source bundle to train with, no source bundle/,
  )
})

test('an artifact is found by the digest of its manifest, and gives its part of the kind', async t => {
  const { workspace, state, entity, version, tag, find, refusal } = await open(t)
  const data = await entity('data', digest('d'), 'train:d0000')
  const other = await entity('data', digest('e'), 'test:e0000')
  const model = await entity('model', digest('f'), 'chatbot:f0000')
  const kit = await entity('artifact', digest('c'), 'chatbot:c0000', {
    parts: [
      { entity: data, name: 'train' },
      { entity: other, name: 'test' },
    ],
  })
  const edges = [data, other, model].map(to => ({ from: kit, relation: 'hadMember', to }) as const)
  await state({ edges })
  await version('chatbot', kit)
  await tag('chatbot', 'tuned', kit)
  const manifest = `sha512:${'ab'.repeat(64)}`
  await state({
    moves: [{ pointer: pointerOf.oci(workspace.id, 'chatbot', manifest), target: kit }],
  })

  assert.equal(await find('kit://chatbot:tuned', 'artifact'), kit)
  assert.equal(await find(manifest, 'artifact'), kit)
  assert.equal(await find(`kit://chatbot@${manifest}`, 'model'), model)
  assert.equal(await find('chatbot', 'model'), model)
  assert.equal(await find('kit://chatbot:tuned#test', 'data'), other)
  assert.match(await refusal('chatbot:tuned', 'data'), /^AMBIGUOUS: .*several parts.*like …#/)
  assert.match(
    await refusal('chatbot:tuned', 'train-source'),
    /an artifact without a source bundle/,
  )
  assert.match(await refusal('chatbot:tuned#code', 'data'), /an artifact without part code/)
})

test('what another workspace holds is found by no name, digest or id', async t => {
  const { push, call, ask } = await openShelf(t)
  await ask('POST', '/workspaces', { name: 'other' })
  const { body } = await push('secret', { a: 'secret' }, { tags: ['x'] })
  const { entity, tree, name } = body.version
  const names = ['secret', 'secret:x', 'secret@v1', name, entity, tree ?? '', `secret@${tree}`]
  const same = (text: string, name: string) => text.replaceAll(name, 'NAME')

  const answers = await Promise.all(
    names.map(async name => {
      const query = `reference=${encodeURIComponent(name)}`
      const { status, body } = await call<Problem>('GET', `/workspaces/other/entities?${query}`)
      return [status, body.code, same(body.message, name)]
    }),
  )
  const parts = await call<Problem>('GET', `/workspaces/other/entities/${entity}/parts`)
  const from = await push('mine', { a: '1' }, { from: entity }, 'other')

  const never = await call<Problem>('GET', '/workspaces/other/entities?reference=never')
  const unknown = [404, 'BUNDLE_NOT_FOUND', same(never.body.message, 'never')]
  for (const answer of answers) assert.deepEqual(answer, unknown)
  assert.deepEqual([parts.status, from.status], [404, 404])
})

test('an entity is shown with its places, its address, its card and how it came to be', async t => {
  const { push, ask, base } = await openShelf(t)
  const files = { 'ReadMe.md': '# Digits\n', 'a.csv': '1' }
  const about = { title: 'Digits', licence: 'CC0-1.0', keywords: ['digits', 'digits'] }
  await push('features', files, { tags: ['clean'], about, message: 'from the archive' })
  await push('features', { 'a.csv': '2' })
  const shown = (reference: string) =>
    ask<EntityView>('GET', `/workspaces/mnist/entities?reference=${reference}`)

  const [tagged, newest] = [await shown('features:clean'), await shown('features')]

  const host = base.replace('http://', '')
  assert.partialDeepStrictEqual(tagged, {
    reference: 'features@v1',
    folder: 'features',
    card: '# Digits\n',
    message: 'from the archive',
    about: { title: 'Digits', licence: 'CC0-1.0', keywords: ['digits'], description: '' },
    places: [
      {
        repository: 'features',
        version: 1,
        tags: ['clean'],
        address: `${host}/mnist/features:clean`,
      },
    ],
  })
  assert.equal(newest.card, null)
  assert.equal(newest.places[0]?.address, `${host}/mnist/features:v2`)
  assert.equal(newest.origin.from[0]?.reference, 'features@v1')
})
