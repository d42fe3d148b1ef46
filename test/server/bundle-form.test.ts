import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { BundleView, Problem } from '../../api/wire.ts'
import { openTestApp, tempFolder } from './open.ts'
import { post, sendBundle, writeFolder } from './sending.ts'

async function open(t: TestContext) {
  const { listen } = await openTestApp(t, { settings: { runner: 'process' } })
  const base = await listen()
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' })
  async function submit(fields: Record<string, string>, files: Record<string, string>) {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    for (const [path, text] of Object.entries(files)) form.append('files', new Blob([text]), path)
    const url = `${base}/api/v1/workspaces/mnist/bundles/form`
    const answer = await fetch(url, { method: 'POST', body: form })
    return { status: answer.status, body: (await answer.json()) as BundleView & Problem }
  }
  return { base, submit }
}

const DATA = { kind: 'data', folder: 'features' }

test('a form becomes the same bundle as the folder sent by the CLI', async t => {
  const { base, submit } = await open(t)
  const files = { 'training/x.csv': '1,2\n', 'test/y.csv': '3,4\n', empty: '' }

  const made = await submit(DATA, files)
  const folder = await tempFolder(t)
  await writeFolder(folder, files)
  const sent = await sendBundle(base, 'mnist', 'data', folder, 'features')

  assert.equal(made.status, 201)
  assert.equal(made.body.files, 3)
  assert.equal(sent.status, 200)
  assert.equal(((await sent.json()) as BundleView).tree, made.body.tree)
})

test('a program in a form is executable by its first line', async t => {
  const { submit } = await open(t)
  const fields = { kind: 'train-source', folder: 'mnist' }

  assert.equal((await submit(fields, { 'model/train': '#!/bin/sh\n' })).status, 201)
  assert.match((await submit(fields, { 'model/train': 'x' })).body.message, /#!/)
})

test('a form without kind or folder, or with a path that leaves it, is refused by name', async t => {
  const { submit } = await open(t)
  const x = { x: '1' }
  for (const [fields, files, message] of [
    [{ folder: 'features' }, x, /field kind/],
    [{ kind: 'data' }, x, /field folder/],
    [DATA, { '../x': '1' }, /"\.\.\/x" cannot be the path/],
    [DATA, { '/etc/x': '1' }, /cannot be the path/],
    [DATA, { a: '1', 'a/b': '2' }, /leads through a file/],
    [DATA, {}, /features/],
  ] as const) {
    const { status, body } = await submit(fields as Record<string, string>, files)
    assert.equal(status, 400)
    assert.match(body.message, message)
  }
})
