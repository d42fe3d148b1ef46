import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { newId } from '../../../api/ids.ts'
import type {
  EntityView,
  ModelView,
  PartList,
  Problem,
  RepositoryList,
  ServeAccepted,
  TagView,
} from '../../../api/wire.ts'
import { openScripted, SERVE } from '../jobs/scripted.ts'

const WS = '/workspaces/mnist'

async function trained(t: TestContext) {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  await server.trial()
  const { models } = await server.ask<{ models: ModelView[] }>('GET', `${WS}/models`)
  return { server, job: job!, model: models[0]! }
}

test('a training takes its data by version, tag, short id and digest', async t => {
  const { server, job } = await trained(t)
  const tag = { reference: 'features', tags: ['clean'] }
  const { version } = await server.ask<TagView>('POST', `${WS}/repositories/features/tags`, tag)
  const names = [
    'features',
    'features@v1',
    'features:clean',
    version.name,
    version.tree,
    version.entity,
  ]

  for (const data of names) {
    const accepted = await server.train({ data })
    assert.deepEqual([accepted.unchanged, accepted.job?.jobId], [true, job.jobId], String(data))
  }

  const wrong = await server.call('POST', `${WS}/train`, { data: 'features@v2' })
  assert.deepEqual([wrong.statusCode, wrong.json<Problem>().code], [404, 'BUNDLE_NOT_FOUND'])
})

test('a trained model has no place until it is tagged, and tells the job and what that used', async t => {
  const { server, job, model } = await trained(t)
  const source = (await server.job(job.jobId)).models[0]!.code

  const before = await server.ask<RepositoryList>('GET', `${WS}/repositories?kind=model`)
  await server.ask('POST', `${WS}/repositories/mnist/tags`, {
    reference: model.modelId,
    kind: 'model',
    tags: ['champion'],
  })
  const shown = await server.ask<EntityView>('GET', `${WS}/entities?reference=mnist:champion`)
  const { parts } = await server.ask<PartList>('GET', `${WS}/entities/${shown.entity}/parts`)
  const named = await server.ask<ModelView>('GET', `${WS}/models/mnist:champion`)

  assert.deepEqual([before.repositories, model.versions, model.jobId], [[], [], job.jobId])
  assert.deepEqual([named.modelId, named.versions], [model.modelId, ['mnist@v1']])
  assert.deepEqual(shown.metrics, { accuracy: 0.9 })
  assert.equal(shown.origin.how, 'trained')
  assert.equal(shown.origin.job, job.jobId)
  assert.deepEqual(shown.origin.from.map(({ reference, role }) => [reference, role]).sort(), [
    ['features@v1', 'data'],
    [source.path.slice(1), 'code'],
  ])
  assert.deepEqual(parts.map(({ part }) => part).sort(), ['code', 'data', 'model'])
})

test('what was pushed is served from its root, and drawn by who pushed it', async t => {
  const server = await openScripted(t)
  await server.workspace()
  const { parts } = server.test
  const data = await server.bundle('data', 'weights', { 'w.bin': 'weights' })
  const source = await server.bundle('serve-source', 'mnist', SERVE)
  // As a push of the folder as a model would have it.
  const { id: ws, organisation } = await parts.workspaces.find(parts.people.local, 'mnist')
  const [id, activity] = [newId(), newId()]
  const of = { workspace: ws }
  await parts.ledger.commit({
    actor: parts.people.local.id,
    organisation,
    statements: [
      {
        type: 'version.pushed',
        ...of,
        nodes: [
          { id: activity, class: 'activity', kind: 'import', ...of, attributes: {} },
          {
            id,
            class: 'entity',
            kind: 'model',
            ...of,
            digest: data.tree as `sha256:${string}`,
            name: 'weights:00000',
            attributes: { files: 1, bytes: 7 },
          },
        ],
        edges: [
          { from: id, relation: 'wasGeneratedBy', to: activity },
          { from: id, relation: 'wasAttributedTo', to: parts.people.local.id },
          { from: id, relation: 'wasDerivedFrom', to: data.id, role: 'revision' },
        ],
      },
    ],
  })

  const accepted = await server.ask<ServeAccepted>('POST', `${WS}/serve`, {
    source: source.id,
    model: 'weights:00000',
  })
  const drawn = await server.call('GET', `${WS}/models/${id}/provenance?format=dot`)
  const composed = await server.ask<{ code: { tree: string } }>(
    'GET',
    `${WS}/serve/endpoints/${accepted.endpoint.name}/artifacts`,
  )

  assert.equal(accepted.model, 'weights:00000')
  assert.notEqual(composed.code.tree, source.tree)
  assert.match(drawn.body, /push-mnist/)
  assert.match(drawn.body, /weights@v1/)
  assert.match(drawn.body, /Pushed model with/)
})
