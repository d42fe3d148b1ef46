import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { bundleName } from '../../api/ids.ts'
import { parseFrames } from '../../api/transfer/frames.ts'
import { resourcesOf } from '../../cli/asked-resources.ts'
import { findBundle, measureBundle, submitBundle } from '../../cli/bundles.ts'
import { Client } from '../../cli/client.ts'
import { checkTraining } from '../../cli/training.ts'
import { play, sendJson, temporary } from './played-server.ts'

function source(t: TestContext): { given: string; inner: string; program: string } {
  const given = temporary(t)
  const inner = join(given, 'mnist')
  mkdirSync(join(inner, 'model'), { recursive: true })
  writeFileSync(join(inner, 'Dockerfile'), 'FROM scratch\n')
  const program = join(inner, 'model', 'train')
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
  return { given, inner, program }
}

const refusal = (message: RegExp) => ({ code: 'INVALID_BUNDLE', exit: 1, message })

describe('a bundle is looked at before it is sent', () => {
  it('a sound one has the name of its folder', t => {
    const { given, inner } = source(t)

    const bundle = findBundle('train-source', given)

    assert.deepEqual(bundle, { kind: 'train-source', given, folder: inner, name: 'mnist' })
  })

  it('one that was downloaded has its name without the hash', t => {
    const given = temporary(t)
    mkdirSync(join(given, 'features:9fd9d'))
    mkdirSync(join(given, '.hidden'))

    assert.equal(findBundle('data', given).name, 'features')
  })

  it('an empty folder and the inner folder of a bundle are named with the remedy', t => {
    const { inner } = source(t)

    assert.throws(() => findBundle('data', temporary(t)), refusal(/is empty/))
    assert.throws(() => findBundle('train-source', inner), refusal(/folder above/))
  })

  it('a dry run names it as the server would, and leaves out what is ignored', async t => {
    const { given, inner } = source(t)
    const before = await measureBundle(findBundle('train-source', given))

    writeFileSync(join(inner, 'model', 'notes.log'), 'x')
    writeFileSync(join(inner, '.kaosignore'), '*.log\n')
    mkdirSync(join(inner, 'model', '__pycache__'))
    const after = await measureBundle(findBundle('train-source', given))

    assert.deepEqual(after, before)
    assert.equal(after.name, bundleName('mnist', after.tree))
    assert.equal(after.files, 2)
  })
})

describe('sending a bundle', () => {
  const answerHave = (body: Buffer, here: number) => Buffer.alloc(body.length / 32, here)

  it('asks what is there, sends the rest in frames, then names the bundle', async t => {
    const { given } = source(t)
    const { url, seen } = await play(t, ({ url, body }, response) => {
      if (url.endsWith('/uploads')) sendJson(response, { upload: 'u1', expiresAt: '' }, 201)
      else if (url.endsWith('/have')) response.end(answerHave(body, 0))
      else if (url.endsWith('/objects')) sendJson(response, { objects: 1 })
      else sendJson(response, { id: 'b', path: '/mnist:e23a2' }, 201)
    })
    const bundle = findBundle('train-source', given)

    await submitBundle(new Client(url, undefined), '/workspaces/w', bundle, { shown: undefined })

    const base = '/api/v1/workspaces/w'
    const routes = [...new Set(seen.map(one => one.url))]
    assert.deepEqual(routes, [
      `${base}/uploads`,
      `${base}/uploads/u1/have`,
      `${base}/uploads/u1/objects`,
      `${base}/bundles`,
      `${base}/uploads/u1`,
    ])
    assert.equal(seen.at(-1)?.method, 'DELETE')
    const frames = seen.filter(one => one.url.endsWith('/objects')).map(one => one.body)
    const objects = await Array.fromAsync(
      parseFrames(
        (async function* () {
          yield* frames
        })(),
      ),
    )
    assert.ok(objects.some(object => object.toString() === '#!/bin/sh\n'))
    const { tree } = await measureBundle(bundle)
    assert.deepEqual(JSON.parse(seen.at(-2)!.body.toString()), {
      upload: 'u1',
      kind: 'train-source',
      folder: 'mnist',
      tree,
    })
  })

  it('sends nothing of what is there, and goes on within the same upload after a lost connection', async t => {
    const { given } = source(t)
    let lost = false
    const { url, seen } = await play(t, ({ url, body }, response) => {
      if (url.endsWith('/uploads')) return sendJson(response, { upload: 'u1', expiresAt: '' }, 201)
      if (!url.endsWith('/have')) return sendJson(response, { id: 'b', path: '/x' })
      if (lost) return void response.end(answerHave(body, 1))
      lost = true
      response.destroy()
    })

    const bundle = findBundle('train-source', given)
    await submitBundle(new Client(url, undefined), '/workspaces/w', bundle, { shown: undefined })

    assert.equal(seen.filter(one => one.url.endsWith('/uploads')).length, 1)
    assert.equal(seen.filter(one => one.url.endsWith('/objects')).length, 0)
    assert.ok(seen.filter(one => one.url.endsWith('/have')).length >= 2)
  })
})

describe('a training is checked before it is sent', () => {
  const nothing = {
    source: undefined,
    data: undefined,
    manifest: undefined,
    cpu: undefined,
    memory: undefined,
  }
  const asked = { ...nothing, gpu: undefined, parallelism: undefined, again: false }

  it('keeps the text of the grid, whose hash names it', () => {
    const wish = checkTraining({ ...asked, hyperparams: '{"a": [1, 2]}\n', parallelism: 2 })

    assert.deepEqual(wish.request, { hyperparamsText: '{"a": [1, 2]}\n', parallelism: 2 })
    assert.deepEqual(wish.points, [{ a: 1 }, { a: 2 }])
  })

  it('refuses a grid that is none, and amounts that are none', () => {
    assert.throws(() => checkTraining({ ...asked, hyperparams: '[1]' }), { code: 'INVALID_GRID' })
    const hyperparams = undefined
    assert.throws(() => checkTraining({ ...asked, hyperparams, memory: 'lots' }), {
      code: 'MEMORY_REQUEST_ERROR',
      message: /lots/,
    })
  })

  it('asks for no resources where none were given', () => {
    assert.equal(resourcesOf({ cpu: undefined, memory: undefined, gpu: undefined }), undefined)
    assert.deepEqual(resourcesOf({ cpu: '0.5', memory: '1Ki', gpu: '1' }), {
      cpu: 0.5,
      memoryBytes: 1024,
      gpu: 1,
    })
  })
})
