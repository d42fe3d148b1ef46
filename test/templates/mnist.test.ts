import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { rowsIn, runProgram, serve, TEMPLATES, temporaryFolder } from './programs.ts'

const MNIST = join(TEMPLATES, 'mnist')
const TRAIN = join(MNIST, 'model-train/mnist/model/train')
const PAYLOAD = readFileSync(join(MNIST, 'test_payload.json'), 'utf8')

/** Trains in folders like those of a runner, with one grid point if given. */
async function train(t: TestContext, point?: object) {
  const work = temporaryFolder(t)
  const data = join(work, 'data')
  cpSync(join(MNIST, 'data/features'), join(data, 'features:9fd9d'), { recursive: true })
  const hyper = join(work, 'hyper')
  mkdirSync(join(hyper, '3fbf2'), { recursive: true })
  writeFileSync(join(hyper, 'params.null'), '{}')
  if (point) writeFileSync(join(hyper, '3fbf2/point.json'), JSON.stringify(point))
  const out = join(work, 'out')
  const ended = await runProgram(TRAIN, [out], { KAOS_DATA: data, KAOS_HYPER: hyper })
  return { out, ...ended }
}

function outputOf(out: string): { model: string; metrics: string } {
  return {
    model: readFileSync(join(out, 'model/model.json'), 'utf8'),
    metrics: readFileSync(join(out, 'metrics/metrics.json'), 'utf8'),
  }
}

async function ask(url: string, body: string): Promise<{ status: number; answer: unknown }> {
  const response = await fetch(`${url}/invocations`, { method: 'POST', body })
  return { status: response.status, answer: await response.json() }
}

describe('the mnist template', () => {
  test('holds 1,797 digits of 64 pixels, in three sets', () => {
    const sets = ['training', 'validation', 'test'].map(name =>
      rowsIn(join(MNIST, 'data/features', name)),
    )

    assert.deepEqual(
      sets.map(rows => rows.length),
      [1258, 269, 270],
    )
    for (const row of sets.flat()) {
      const [label, ...pixels] = row.map(Number)
      assert.ok(label! >= 0 && label! <= 9 && pixels.length === 64)
      assert.ok(pixels.every(pixel => pixel >= 0 && pixel <= 16 && Number.isInteger(pixel)))
    }
  })

  test('trains to the same bytes twice, reads unseen digits, and answers 3 for a 3', async t => {
    const [first, second] = [await train(t), await train(t)]

    assert.equal(first.code, 0, first.stderr)
    assert.deepEqual(outputOf(first.out), outputOf(second.out))
    const metrics = JSON.parse(outputOf(first.out).metrics)
    assert.ok(metrics.accuracy_test > 0.93, JSON.stringify(metrics))
    assert.deepEqual(Object.keys(metrics).sort(), [
      ...['accuracy_test', 'accuracy_train', 'accuracy_validation'],
      ...['loss_test', 'loss_train', 'loss_validation'],
    ])
    assert.match(first.stdout, /^epoch 8\/8 loss \d/m)

    const { url, child } = await serve(
      t,
      join(MNIST, 'model-serve/mnist'),
      join(first.out, 'model'),
    )
    const { pixels } = JSON.parse(PAYLOAD)

    assert.equal((await fetch(`${url}/ping`)).status, 200)
    assert.deepEqual(await ask(url, PAYLOAD), { status: 200, answer: { result: [3] } })
    const both = await ask(url, JSON.stringify({ instances: [pixels, pixels] }))
    assert.deepEqual(both.answer, { result: [3, 3] })
    for (const [body, error] of [
      ['{', /not JSON/],
      ['[]', /pixels/],
      ['{"pixels": [1, 2]}', /list of 64 numbers/],
      [JSON.stringify({ pixels: pixels.with(5, 17) }), /pixels\[5\] must be a number from 0 to 16/],
      [JSON.stringify({ pixels: pixels.with(5, true) }), /pixels\[5\]/],
      ['{"instances": []}', /1 to 1000/],
    ] as const) {
      const refused = await ask(url, body)
      assert.equal(refused.status, 400, body)
      assert.match((refused.answer as { error: string }).error, error)
    }
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  test('overlays its parameters with those of a grid point', async t => {
    const { code, stdout } = await train(t, { epochs: 1, hidden_units: 4 })

    assert.equal(code, 0)
    assert.match(stdout, /^Parameters: seed=2019 hidden_units=4 epochs=1 learning_rate=0.1$/m)
  })

  test('refuses a hyperparameter that it does not have', async t => {
    const { code, stderr } = await train(t, { gamma: 0.1 })

    assert.equal(code, 1)
    assert.match(stderr, /gamma is no parameter of this training; it knows epochs, hidden_units/)
  })

  test('says what is missing when there are no data', async t => {
    const work = temporaryFolder(t)

    const { code, stderr } = await runProgram(TRAIN, [join(work, 'out')], { KAOS_DATA: work })

    assert.equal(code, 1)
    assert.match(stderr, /there is no data in .*kaos train deploy -d/)
  })

  test('has a grid of twelve points with parameters that the training knows', () => {
    const grid = JSON.parse(readFileSync(join(MNIST, 'hyperopt/params.json'), 'utf8'))
    const own = JSON.parse(readFileSync(join(TRAIN, '../params.json'), 'utf8'))

    const sizes = Object.values<unknown[]>(grid).map(values => values.length)
    assert.equal(
      sizes.reduce((product, size) => product * size),
      12,
    )
    for (const name of Object.keys(grid)) assert.ok(name in own, name)
  })

  test('leaves its folder as it was', () => {
    const folders = ['model-train/mnist/model', 'model-serve/mnist/model']

    const files = folders.map(folder => readdirSync(join(MNIST, folder)).sort())

    assert.deepEqual(files, [
      ['params.json', 'requirements.txt', 'train', 'utils.py'],
      ['predict.py', 'serve', 'web-requirements.txt'],
    ])
  })
})
