import assert from 'node:assert/strict'
import test from 'node:test'
import { type Files, openScripted } from '../jobs/scripted.ts'

async function after(t: test.TestContext, metrics: Files) {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  await server.endTrial(await server.claimed(), metrics)
  return server.job(job!.jobId)
}

test('numbers and texts of every metrics file are metrics', async t => {
  const view = await after(t, {
    'metrics.json': '{"accuracy": 0.5, "report": "ok"}',
    'test_metrics_2.json': '{"loss": 1e-3}',
    'other.json': '{"not": 1}',
    'metrics.txt': 'nor this',
  })

  assert.deepEqual(view.models[0]?.metrics, { accuracy: 0.5, report: 'ok', loss: 0.001 })
  assert.deepEqual(view.models[0]?.warnings, [])
})

test('what is no metric is a warning that says where, and the training succeeds', async t => {
  const view = await after(t, {
    'a_metrics.json': '{"good": 1, "nested": {"x": 1}, "list": [1], "flag": true, "none": null}',
    'b_metrics.json': '{"loss": NaN}',
    'c_metrics.json': '{"cut": ',
    'd_metrics.json': '[1, 2]',
    'e_metrics.json': '{"good": 2}',
  })

  const model = view.models[0]
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.deepEqual(model?.metrics, { good: 1 })
  assert.equal(model?.warnings.length, 8)
  assert.match(model.warnings[0]!, /a_metrics\.json: "nested" is neither a number nor a text/)
  assert.match(model.warnings[4]!, /b_metrics\.json holds NaN, which is no JSON/)
  assert.match(model.warnings[5]!, /c_metrics\.json is not JSON/)
  assert.match(model.warnings[6]!, /d_metrics\.json is not an object/)
  assert.match(model.warnings[7]!, /e_metrics\.json: "good" was given by another file/)
})

test('metrics that are too large are left out with a warning', async t => {
  const view = await after(t, { 'metrics.json': JSON.stringify({ long: 'x'.repeat(300_000) }) })

  assert.deepEqual(view.models[0]?.metrics, {})
  assert.match(view.models[0]?.warnings[0] ?? '', /metrics\/metrics\.json was not read/)
})

test('half characters in what a program wrote do not stop its outcome', async t => {
  const view = await after(t, { 'metrics.json': '{"text": "\\ud800", "\\udfff": 1}' })

  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.deepEqual(view.models[0]?.metrics, { text: '\ufffd', '\ufffd': 1 })
})

test('a training that wrote nothing succeeds without a model, and says so', async t => {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  await server.build()
  const order = await server.claimed()

  const output = await server.sendTree(order, {})
  await server.report(order, { output })

  const view = await server.job(job!.jobId)
  assert.equal(view.job.state, 'JOB_SUCCESS')
  assert.equal(view.models[0]?.modelId, null)
  assert.match(view.models[0]?.warnings[0] ?? '', /wrote nothing/)
})
