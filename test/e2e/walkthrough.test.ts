import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { readPdf } from '../graph/drawing/pdf-text.ts'
import { walkthrough } from './walkthrough.ts'

test('a data scientist goes from an empty folder to a served model and its drawings', async t => {
  const { work, jobId, modelId, endpoint, answer } = await walkthrough(t, {})

  assert.deepEqual(answer, { result: [3] })
  const job = join(work, 'mnist', jobId)
  const code = readdirSync(join(job, 'code'))
  assert.match(code[0] ?? '', /^mnist:[0-9a-f]{5}$/)
  const train = join(job, 'code', code[0] ?? '', 'model', 'train')
  assert.deepEqual(
    readFileSync(train),
    readFileSync(join(work, 'templates/mnist/model-train/mnist/model/train')),
  )
  assert.equal(statSync(train).mode & 0o111, 0o111)
  const data = readdirSync(join(job, 'data'))
  assert.match(data[0] ?? '', /^features:[0-9a-f]{5}$/)
  const six = modelId.split(':')[1] ?? ''
  const metrics = JSON.parse(readFileSync(join(job, 'models', six, 'metrics/metrics.json'), 'utf8'))
  assert.ok(metrics.accuracy_test > 0.93)
  const served = readdirSync(join(work, 'mnist', endpoint, 'code'))
  assert.ok(
    readdirSync(join(work, 'mnist', endpoint, 'code', served[0] ?? '', 'model')).includes('serve'),
  )
  const drawn = (name: string) => readPdf(readFileSync(join(work, 'mnist/provenance', name))).text
  const model = drawn(`model-${modelId}.pdf`)
  const both = drawn(`${endpoint}.pdf`)
  for (const text of ['source-train-mnist', `/${code[0]}`, 'data-mnist', `/${data[0]}`]) {
    assert.ok(model.includes(text) && both.includes(text), text)
  }
  assert.match(model, new RegExp(`/${six}/model/model\\.json`))
  for (const text of [modelId, `/${served[0]}`, 'build-serve-mnist', endpoint, 'endpoint']) {
    assert.ok(both.includes(text), text)
  }
})
