import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ENTITY, scene, VERSION } from './catalogue-scene.ts'

describe('what follows -s, -d and -m', () => {
  it('is a folder if there is one, else a reference; neither is told before a server is asked', async t => {
    const { kaos, folder, seen } = await scene(t, {})
    writeFileSync(join(folder, 'file'), '')
    const wrong = [
      ['train', 'deploy', '-d', './nowhere'],
      ['train', 'deploy', '-d', 'nowhere/'],
      ['train', 'deploy', '-d', 'file'],
      ['train', 'deploy', '-s', 'mnist'],
      ['serve', 'deploy', '-s', 'mnist'],
    ]

    const all = await Promise.all(wrong.map(words => kaos(...words)))
    const missing = await kaos('train', 'deploy', '-d', 'features@v9')

    for (const [at, done] of all.entries()) {
      assert.equal(done.code, 2, `${wrong[at]}: ${done.stderr}`)
      assert.match(
        done.stderr,
        /^Error - .* no reference to a (data set|source bundle) \(like [^)]+\)\n$/,
      )
    }
    assert.equal(missing.code, 3)
    assert.match(missing.stderr, /features@v9 is no folder here, and nothing at /)
    // As a data set, and then as a model.
    assert.equal(seen.filter(({ url }) => url.includes('/entities')).length, 2)
  })

  it('-d and -s send what the reference names, and say which it is', async t => {
    const accepted = {
      inputs: {
        image: { state: 'missing' },
        data: { state: 'set', value: '/features:9fd9d' },
        hyperparams: { state: 'missing' },
        parallelism: 1,
        resources: {},
      },
      grid: null,
      build: null,
      job: null,
      unchanged: false,
      warnings: [],
    }
    const { kaos, bodies } = await scene(t, {
      'GET /entities?reference=features%40v3&kind=data': ENTITY,
      'GET /entities?reference=mnist%3Ae23a2&kind=train-source': {
        ...ENTITY,
        entity: 'code',
        name: 'mnist:e23a2',
        reference: 'mnist:e23a2',
      },
      'POST /train': accepted,
    })

    const done = await kaos('train', 'deploy', '-d', 'features@v3', '-s', 'mnist:e23a2')
    const dry = await kaos('train', 'deploy', '-d', 'features@v3', '--dry-run')

    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stdout, / ✔ Setting source bundle: \/mnist:e23a2\n/)
    assert.match(done.stdout, / ✔ Setting data bundle: \/features:9fd9d \(features@v3\)\n/)
    assert.deepEqual(bodies('POST /train'), [{ source: 'code', data: VERSION.entity }])
    assert.match(dry.stdout, /data bundle: features@v3 \(not looked up\)/)
  })

  it('-m asks which is meant when a folder and a model have the name', async t => {
    const { kaos, folder } = await scene(t, {
      'GET /entities?reference=mnist&kind=model': { ...ENTITY, reference: 'mnist@v1' },
    })
    mkdirSync(join(folder, 'mnist'))

    const done = await kaos('serve', 'deploy', '-s', 'mnist:ff06b', '-m', 'mnist')

    assert.equal(done.code, 2)
    assert.match(
      done.stderr,
      /mnist is a folder here and mnist@v1 on the server; write \.\/mnist, or mnist@v1/,
    )
  })
})
