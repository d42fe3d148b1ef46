import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { encodeFile, encodeTree } from '../../api/tree.ts'
import type { BundleView, Problem } from '../../api/wire.ts'
import { openTestApp, tempFolder } from './open.ts'
import { post, sendBundle, writeFolder } from './sending.ts'

const PROGRAM = '#!/usr/bin/env python3\n'

async function open(t: TestContext, runner: 'process' | 'docker' = 'process') {
  const server = await openTestApp(t, { settings: { runner } })
  const base = await server.listen()
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' })
  async function keep(kind: string, name: string, files: Record<string, string>) {
    const folder = await tempFolder(t)
    await writeFolder(folder, files)
    const answer = await sendBundle(base, 'mnist', kind, folder, name)
    return { status: answer.status, body: (await answer.json()) as BundleView & Problem }
  }
  return { ...server, base, keep }
}

test('a source bundle is kept under the look of its content, with its author', async t => {
  const { keep, parts } = await open(t)

  const { status, body } = await keep('train-source', 'mnist', { 'model/train': PROGRAM })

  assert.equal(status, 201)
  assert.equal(body.name, `mnist:${body.tree.slice(7, 12)}`)
  assert.partialDeepStrictEqual(body, {
    kind: 'train-source',
    path: `/${body.name}`,
    folder: 'mnist',
    files: 1,
    bytes: PROGRAM.length,
    author: 'tester',
    unchanged: false,
  })
  const { nodes, edges } = await parts.ledger.lineage(body.id, { direction: 'up' })
  assert.deepEqual(nodes.map(node => node.kind).sort(), ['import', 'source', 'user'])
  assert.deepEqual(edges.map(edge => edge.relation).sort(), [
    'wasAssociatedWith',
    'wasAttributedTo',
    'wasGeneratedBy',
  ])
})

test('the same folder again is the same bundle, also when two send it at once', async t => {
  const { keep, parts } = await open(t)
  const files = { 'a.csv': '1' }

  const both = await Promise.all([keep('data', 'features', files), keep('data', 'features', files)])
  const again = await keep('data', 'features', files)
  const renamed = await keep('data', 'other', files)

  assert.deepEqual(both.map(one => one.status).sort(), [200, 201])
  assert.equal(new Set([...both, again].map(one => one.body.id)).size, 1)
  assert.equal(again.body.unchanged, true)
  assert.equal(renamed.status, 201)
  const workspace = await parts.workspaces.find(parts.people.local, 'mnist')
  const query = { organisation: 'default', workspace: workspace.id, kind: 'import' }
  assert.equal((await parts.ledger.nodes(query)).length, 2)
})

test('a program that could not be started is refused with what to type', async t => {
  const { keep } = await open(t)
  const train = async (files: Record<string, string>) => {
    const { status, body } = await keep('train-source', 'mnist', files)
    assert.equal(status, 400)
    assert.equal(body.code, 'INVALID_BUNDLE')
    return body.detail
  }

  assert.match(await train({ 'model/train': 'print(1)' }), /mnist\/model\/train .*first line/)
  assert.match(await train({ 'model/serve': PROGRAM }), /add a program mnist\/model\/train/)
  assert.match(await train({ train: PROGRAM }), /has no folder model/)
  assert.match(await train({ 'model/train/x': PROGRAM }), /lacks model\/train/)
  assert.match(await train({ 'model/train': '#!/bin/sh\r\nls\r\n' }), /line ends of Windows/)
  assert.match(await train({ 'model/train': '' }), /first line/)
})

test('a program without the executable bit needs a Dockerfile that sets it', async t => {
  const { base, parts, keep } = await open(t)
  // Written to the store directly: the sender would take the bit from the disk.
  const program = Buffer.from(PROGRAM)
  const without = await treeWith(program, undefined)
  const withChmod = await treeWith(program, Buffer.from('FROM x\nRUN chmod +x model/train\n'))
  await parts.store.put([...without.objects, ...withChmod.objects])
  await keep('data', 'd', { x: '1' })

  const refused = await keepTree(without)
  const kept = await keepTree(withChmod)

  assert.equal(refused.status, 400)
  assert.match(refused.body.detail, /run: chmod \+x mnist\/model\/train/)
  assert.equal(kept.status, 201)

  async function keepTree({ tree, objects }: Awaited<ReturnType<typeof treeWith>>) {
    const opened = await post(`${base}/api/v1/workspaces/mnist/uploads`, {})
    const { upload } = (await opened.json()) as { upload: string }
    await parts.transfer.receive(upload, framesOf(objects))
    const answer = await post(`${base}/api/v1/workspaces/mnist/bundles`, {
      upload,
      kind: 'train-source',
      folder: 'mnist',
      tree,
    })
    return { status: answer.status, body: (await answer.json()) as BundleView & Problem }
  }
})

async function* framesOf(objects: readonly Buffer[]) {
  for (const object of objects) {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(object.length)
    yield Buffer.concat([header, object])
  }
}

/** A source bundle whose program has no executable bit. */
async function treeWith(program: Buffer, dockerfile: Buffer | undefined) {
  const objects: Buffer[] = []
  const file = (name: string, bytes: Buffer) => {
    const list = encodeFile([{ digest: digestOf(bytes), length: bytes.length }])
    objects.push(bytes, list)
    return { name, kind: 'file' as const, size: bytes.length, digest: digestOf(list) }
  }
  const model = encodeTree([file('train', program)])
  const folder = { name: 'model', kind: 'folder' as const, size: program.length }
  const entries = [
    { ...folder, digest: digestOf(model) },
    ...(dockerfile ? [file('Dockerfile', dockerfile)] : []),
  ]
  const top = encodeTree(entries)
  objects.push(model, top)
  return { tree: digestOf(top), objects }
}

test('only the docker runner asks for a Dockerfile', async t => {
  const docker = await open(t, 'docker')
  const files = { 'model/serve': PROGRAM }

  const without = await docker.keep('serve-source', 'mnist', files)
  const complete = await docker.keep('serve-source', 'mnist', { ...files, Dockerfile: 'FROM x\n' })

  assert.match(without.body.detail, /has no Dockerfile; add mnist\/Dockerfile/)
  assert.equal(complete.status, 201)
})

test('a data bundle needs a file, whatever its name inside', async t => {
  const { keep } = await open(t)

  const empty = await keep('data', 'features', {})
  const odd = await keep('data', 'features', { 'line\nend': '1' })

  assert.match(empty.body.detail, /has no files/)
  assert.equal(odd.status, 201)
})

test('folder names that would break a listing are refused', async t => {
  const { keep } = await open(t)

  // The last one leaves no room for the `:e23a2` with which it is laid out.
  const names = ['a/b', '..', 'a\nb', 'a\u0000', '\u001b[31m', 'a\u2028b', 'a'.repeat(250)]
  for (const name of names) {
    const { status, body } = await keep('data', name, { x: '1' })
    assert.equal(status, 400)
    assert.match(body.detail, /rename the folder/, JSON.stringify(name))
  }
})
