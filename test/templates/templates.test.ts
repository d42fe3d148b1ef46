import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { rowsIn, runProgram, TEMPLATES } from './programs.ts'

interface Entry {
  readonly name: string
  readonly description: string
  readonly input_type: string
}

const INDEX: Entry[] = JSON.parse(readFileSync(join(TEMPLATES, 'index.json'), 'utf8'))
const COLUMNS = 18

/** Fails on what Python cannot compile, and writes nothing. */
const COMPILE = 'import sys; [compile(open(f).read(), f, "exec") for f in sys.argv[1:]]'

describe('the list of templates', () => {
  test('names each folder once, mnist first', () => {
    const folders = readdirSync(TEMPLATES, { withFileTypes: true }).filter(entry =>
      entry.isDirectory(),
    )

    const names = INDEX.map(entry => entry.name)
    assert.equal(names[0], 'mnist')
    assert.deepEqual([...names].sort(), folders.map(folder => folder.name).sort())
    assert.ok(INDEX.every(entry => entry.description && entry.input_type))
  })
})

for (const { name } of INDEX) {
  const folder = join(TEMPLATES, name)
  const bundles = [
    { bundle: join(folder, 'model-train', name), program: 'train', needs: 'requirements.txt' },
    { bundle: join(folder, 'model-serve', name), program: 'serve', needs: 'web-requirements.txt' },
  ]

  describe(`the template ${name}`, () => {
    test('has bundles that can be built and started', () => {
      for (const { bundle, program, needs } of bundles) {
        const path = join(bundle, 'model', program)
        assert.ok(statSync(path).mode & 0o100, `${path} can be executed`)
        assert.match(readFileSync(path, 'utf8'), /^#!\/usr\/bin\/env python3\n/)
        assert.ok(existsSync(join(bundle, 'model', needs)))
        const recipe = readFileSync(join(bundle, 'Dockerfile'), 'utf8')
        assert.match(recipe, /^ARG BASE_IMAGE=\S+\nFROM \$\{BASE_IMAGE\}$/m)
        assert.match(recipe, /^COPY \. \/opt\/program\/$/m)
      }
    })

    test('is valid Python', async () => {
      const files = bundles.flatMap(({ bundle, program }) => {
        const model = join(bundle, 'model')
        const modules = readdirSync(model).filter(file => file.endsWith('.py'))
        return [program, ...modules].map(file => join(model, file))
      })

      const { code, stderr } = await runProgram('python3', ['-c', COMPILE, ...files])

      assert.equal(code, 0, stderr)
    })

    test('serves with the same way in as the others', () => {
      const own = readFileSync(join(folder, 'model-serve', name, 'model/serve'))
      const first = readFileSync(join(TEMPLATES, 'mnist/model-serve/mnist/model/serve'))

      assert.ok(own.equals(first))
    })
  })
}

describe('the template property-val', () => {
  const folder = join(TEMPLATES, 'property-val')

  test('has a price and 18 numbers for each of 2,400 houses', () => {
    const sets = ['training', 'validation', 'test'].map(name =>
      rowsIn(join(folder, 'data/features', name)),
    )

    assert.deepEqual(
      sets.map(rows => rows.length - 1),
      [1680, 360, 360],
    )
    for (const [header, ...houses] of sets) {
      assert.deepEqual([header![0], header!.length], ['price', 1 + COLUMNS])
      for (const house of houses) {
        assert.equal(house.length, 1 + COLUMNS)
        assert.ok(house.every(value => value !== '' && Number.isFinite(Number(value))))
        assert.ok(Number(house[0]) > 0)
      }
    }
  })

  test('names the same columns in data, training, service and example', () => {
    const listed = (file: string) => {
      const [, list] = /^COLUMNS = \[(.*?)\]/ms.exec(readFileSync(join(folder, file), 'utf8'))!
      return [...list!.matchAll(/"(\w+)"/g)].map(match => match[1])
    }
    const [header] = rowsIn(join(folder, 'data/features/test'))
    const payload = JSON.parse(readFileSync(join(folder, 'test_payload.json'), 'utf8'))

    const columns = header!.slice(1)
    assert.deepEqual(listed('model-train/property-val/model/utils.py'), columns)
    assert.deepEqual(listed('model-serve/property-val/model/predict.py'), columns)
    assert.deepEqual(Object.keys(payload.features), columns)
  })

  test('asks for the same packages in training and service', () => {
    const lines = (file: string) =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter(line => /^\w/.test(line))

    const training = lines('model-train/property-val/model/requirements.txt')
    assert.deepEqual(lines('model-serve/property-val/model/web-requirements.txt'), training)
    assert.ok(training.some(line => line.startsWith('scikit-learn==')))
  })

  test('has a grid of eight points with parameters that the training knows', () => {
    const grid = JSON.parse(readFileSync(join(folder, 'hyperopt/params.json'), 'utf8'))
    const path = join(folder, 'model-train/property-val/model/params.json')
    const own = JSON.parse(readFileSync(path, 'utf8'))

    assert.deepEqual(
      Object.values<unknown[]>(grid).map(values => values.length),
      [2, 2, 2],
    )
    for (const name of Object.keys(grid)) assert.ok(name in own, name)
  })
})
