import assert from 'node:assert/strict'
import test from 'node:test'
import { openScripted } from '../jobs/scripted.ts'

test('a training can read a model, and what came of it is found from that model', async t => {
  const server = await openScripted(t)
  const first = await server.firstTraining()
  await server.build()
  await server.trial()
  const [base] = (await server.job(first.job!.jobId)).models
  const tag = { reference: base!.entity, tags: ['champion'] }
  await server.ask('POST', '/workspaces/mnist/repositories/digits/tags', tag)

  const second = await server.train({ data: 'digits:champion' })
  const order = await server.claimed()
  await server.endTrial(order, { 'metrics.json': '{"accuracy": 1}' })

  const work = order.work.kind === 'trial' ? order.work : undefined
  assert.deepEqual(
    work?.data.map(one => one.name),
    [base!.modelId],
  )
  assert.equal(second.inputs.data.value, `/${base!.modelId}`)
  const view = await server.job(second.job!.jobId)
  assert.deepEqual(view.modelsUsed, [
    { modelId: base!.modelId, entity: base!.entity, versions: ['digits@v1'] },
  ])
  const impact = await server.call('GET', `/workspaces/mnist/provenance/impact?id=digits:champion`)
  assert.equal(impact.statusCode, 200, impact.body)
  assert.match(impact.body, new RegExp(second.job!.jobId))
  assert.match(impact.body, new RegExp(view.models[0]!.modelId!))
  const drawn = `/workspaces/mnist/models/${view.models[0]!.entity}/provenance?format=dot`
  const drawing = await server.call('GET', drawn)
  assert.equal(drawing.statusCode, 200, drawing.body)
  assert.match(drawing.body, new RegExp(base!.modelId!))
})
