import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Digest } from '../../api/digest.ts'
import { digestOf } from '../../api/digest.ts'
import { FRAMES_TYPE, frameHeader, HAVE_MAX, OBJECTS_MAX } from '../../api/transfer/protocol.ts'
import { receiveTree } from '../../api/transfer/receive.ts'
import { sendFolder } from '../../api/transfer/send.ts'
import { CHUNK_MIN, encodeFile, encodeTree, OBJECT_MAX } from '../../api/tree.ts'
import { openTestApp, type TestApp, tempFolder } from './open.ts'
import { channelTo, openUpload, post, sendBundle, writeFolder } from './sending.ts'

interface Sender extends TestApp {
  base: string
  folder: string
}

async function open(t: TestContext, options: Parameters<typeof openTestApp>[1] = {}) {
  const test = await openTestApp(t, options)
  const base = await test.listen()
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' })
  return { ...test, base } satisfies Sender
}

const frame = (bytes: Uint8Array) => Buffer.concat([frameHeader(bytes.length), bytes])

test('a folder that was sent comes back as it was', async t => {
  const { base } = await open(t)
  const folder = await tempFolder(t)
  const large = randomBytes(3_000_000)
  await writeFolder(folder, { 'a.csv': '1,2\n', 'deep/er/run': '#!/bin/sh\n', 'deep/empty': '' })
  await writeFile(join(folder, 'large.bin'), large)

  const sent = await sendBundle(base, 'mnist', 'data', folder, 'features')
  const bundle = (await sent.json()) as { id: string; tree: Digest; files: number; bytes: number }
  const content = await fetch(`${base}/api/v1/workspaces/mnist/entities/${bundle.id}/content`)
  const target = join(await tempFolder(t), 'back')
  await receiveTree(content.body ?? assert.fail(), bundle.tree, target)

  assert.equal(sent.status, 201)
  assert.equal(content.headers.get('content-type'), FRAMES_TYPE)
  assert.equal(bundle.files, 4)
  assert.equal(bundle.bytes, 4 + 10 + large.length)
  assert.deepEqual(await readFile(join(target, 'large.bin')), large)
  assert.equal((await stat(join(target, 'deep/er/run'))).mode & 0o777, 0o755)
  assert.equal((await stat(join(target, 'deep/empty'))).size, 0)
})

test('what the workspace has already is not sent again', async t => {
  const { base } = await open(t)
  const folder = await tempFolder(t)
  await writeFolder(folder, { 'a.csv': 'a'.repeat(50_000), 'b.csv': 'b'.repeat(50_000) })
  await sendBundle(base, 'mnist', 'data', folder, 'features')
  await writeFile(join(folder, 'b.csv'), 'changed')

  const channel = channelTo(base, 'mnist', await openUpload(base, 'mnist'))
  await sendFolder(folder, channel)

  // The segment in which b.csv lies now, and the tree.
  assert.equal(channel.sent(), 2)
})

test('knowing a digest opens nothing: what another workspace has is said to be missing', async t => {
  const { base } = await open(t)
  await post(`${base}/api/v1/workspaces`, { name: 'other' })
  const folder = await tempFolder(t)
  await writeFolder(folder, { 'secret.csv': 'secret' })
  const sent = await sendBundle(base, 'mnist', 'data', folder, 'features')
  const { id, tree } = (await sent.json()) as { id: string; tree: Digest }

  const upload = await openUpload(base, 'other')
  const [here] = await channelTo(base, 'other', upload).have([tree])
  const taken = await post(`${base}/api/v1/workspaces/other/bundles`, {
    upload,
    kind: 'data',
    folder: 'features',
    tree,
  })
  const content = await fetch(`${base}/api/v1/workspaces/other/entities/${id}/content`)

  assert.equal(here, false)
  assert.equal(taken.status, 400)
  assert.equal(content.status, 404)
})

test('a body that is cut in the middle leaves nothing behind, and the upload goes on', async t => {
  const { base, parts } = await open(t)
  const upload = await openUpload(base, 'mnist')
  const whole = Buffer.from('whole object')
  const path = `/api/v1/workspaces/mnist/uploads/${upload}/objects`
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  await once(socket, 'connect')
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FRAMES_TYPE}\r\n`

  socket.write(`${head}Content-Length: 5000\r\n\r\n`)
  socket.write(Buffer.concat([frame(whole), frameHeader(1000), randomBytes(200)]))
  await new Promise(resolve => setImmediate(resolve))
  socket.destroy()
  await once(socket, 'close')

  assert.deepEqual(await parts.store.has([digestOf(whole)]), [false])
  const channel = channelTo(base, 'mnist', upload)
  assert.deepEqual(await channel.have([digestOf(whole)]), [false])
  await channel.objects([frame(whole)])
  assert.deepEqual(await channel.have([digestOf(whole)]), [true])
})

test('an upload goes on after the server was started anew', async t => {
  const folder = await tempFolder(t)
  const first = await open(t, { folder })
  const upload = await openUpload(first.base, 'mnist')
  const objects = Array.from({ length: 9000 }, () => randomBytes(40))
  await channelTo(first.base, 'mnist', upload).objects(objects.map(frame))
  await first.close()

  const second = await openTestApp(t, { folder })
  const channel = channelTo(await second.listen(), 'mnist', upload)
  const here = await channel.have(objects.slice(0, HAVE_MAX).map(digestOf))

  assert.ok(here.every(Boolean))
})

test('an upload belongs to who began it, and ends a day after its last use', async t => {
  const { base, clock, tokenOf } = await open(t, { settings: { local: false } })
  const own = { authorization: `Bearer ${await tokenOf('maintainer')}` }
  const other = { authorization: `Bearer ${await tokenOf('maintainer')}` }
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' }, own)
  const upload = await openUpload(base, 'mnist', own)
  const ask = async (headers: Record<string, string>) => {
    const url = `${base}/api/v1/workspaces/mnist/uploads/${upload}/have`
    return (await fetch(url, { method: 'POST', headers })).status
  }

  assert.equal(await ask(other), 404)
  for (let i = 0; i < 3; i++) {
    clock.now += 20 * 3600_000
    assert.equal(await ask(own), 200)
  }
  clock.now += 25 * 3600_000
  assert.equal(await ask(own), 404)
})

test('a bundle is refused while anything of it is missing or untrue', async t => {
  const { base } = await open(t)
  const upload = await openUpload(base, 'mnist')
  const channel = channelTo(base, 'mnist', upload)
  const chunk = Buffer.from('some bytes')
  const list = encodeFile([{ digest: digestOf(chunk), length: chunk.length }])
  const treeOf = (size: number) =>
    encodeTree([{ name: 'a', kind: 'file', size, digest: digestOf(list) }])
  const keep = (tree: Buffer) =>
    post(`${base}/api/v1/workspaces/mnist/bundles`, {
      upload,
      kind: 'data',
      folder: 'features',
      tree: digestOf(tree),
    })
  const good = treeOf(chunk.length)
  const lying = treeOf(5)

  await channel.objects([list, good, lying].map(frame))
  const withoutChunk = await keep(good)
  await channel.objects([frame(chunk)])
  const withWrongSize = await keep(lying)
  const complete = await keep(good)

  assert.equal(withoutChunk.status, 400)
  assert.equal(withWrongSize.status, 400)
  assert.equal(complete.status, 201)
})

test('a small tree that unfolds to countless folders is refused', async t => {
  const { base } = await open(t)
  const upload = await openUpload(base, 'mnist')
  const list = encodeFile([])
  const levels = [encodeTree([])]
  for (let depth = 0; depth < 4; depth++) {
    const below = { kind: 'folder', size: 0, digest: digestOf(levels[0]!) } as const
    const names = Array.from({ length: 100 }, (_, i) => `d${i}`)
    levels.unshift(encodeTree(names.map(name => ({ ...below, name }))))
  }
  const tree = encodeTree([
    { name: 'a', kind: 'file', size: 0, digest: digestOf(list) },
    { name: 'b', kind: 'folder', size: 0, digest: digestOf(levels[0]!) },
  ])
  await channelTo(base, 'mnist', upload).objects([...levels, list, tree].map(frame))

  const answer = await post(`${base}/api/v1/workspaces/mnist/bundles`, {
    upload,
    kind: 'data',
    folder: 'features',
    tree: digestOf(tree),
  })

  assert.equal(answer.status, 400)
  assert.match(await answer.text(), /may have 10000000 files and folders/)
})

test('a body of nothing but empty objects is refused before it costs anything', async t => {
  const { base } = await open(t)
  const upload = await openUpload(base, 'mnist')
  const url = `${base}/api/v1/workspaces/mnist/uploads/${upload}/objects`
  const headers = { 'content-type': FRAMES_TYPE }

  const most = Buffer.alloc(4 * OBJECTS_MAX)
  const taken = await fetch(url, { method: 'POST', headers, body: most })
  const more = Buffer.alloc(4 * (OBJECTS_MAX + 1))
  const refused = await fetch(url, { method: 'POST', headers, body: more })

  assert.equal(taken.status, 200)
  assert.equal(refused.status, 413)
})

test('frames and questions beyond their limits are refused, and the connection lives on', async t => {
  const { base } = await open(t)
  const upload = await openUpload(base, 'mnist')
  const url = `${base}/api/v1/workspaces/mnist/uploads/${upload}`
  const send = async (path: string, body: Uint8Array<ArrayBuffer>, type = FRAMES_TYPE) => {
    const answer = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    return ((await answer.json()) as { code: string }).code
  }

  assert.equal(await send('objects', frameHeader(OBJECT_MAX + 1) as never), 'TOO_LARGE')
  assert.equal(await send('objects', frameHeader(10) as never), 'BAD_REQUEST')
  assert.equal(await send('have', new Uint8Array(33)), 'BAD_REQUEST')
  assert.equal(await send('have', new Uint8Array(32 * (HAVE_MAX + 1))), 'TOO_LARGE')
  assert.equal(await send('objects', Buffer.from('{}'), 'application/json'), 'BAD_REQUEST')
  assert.deepEqual(await channelTo(base, 'mnist', upload).have([]), [])
})

test('a full disk refuses what is new before its bytes are read, and goes on giving', async t => {
  const folder = await tempFolder(t)
  const first = await open(t, { folder })
  const data = await tempFolder(t)
  await writeFolder(data, { 'a.csv': '1' })
  const upload = await openUpload(first.base, 'mnist')
  const bundle = await sendBundle(first.base, 'mnist', 'data', data, 'features')
  const { id } = (await bundle.json()) as { id: string }
  await first.close()
  const reserve = { share: 0, bytes: Number.MAX_SAFE_INTEGER }
  const second = await openTestApp(t, { folder, settings: { reserve } })
  const base = await second.listen()

  const objects = await fetch(`${base}/api/v1/workspaces/mnist/uploads/${upload}/objects`, {
    method: 'POST',
    headers: { 'content-type': FRAMES_TYPE },
    body: frame(Buffer.from('x')),
  })
  const content = await fetch(`${base}/api/v1/workspaces/mnist/entities/${id}/content`)

  assert.equal(objects.status, 507)
  assert.equal(((await objects.json()) as { code: string }).code, 'STORAGE_FULL')
  assert.equal(content.status, 200)
  assert.ok((await content.arrayBuffer()).byteLength > 0)
})

test('damage is told before the first byte, or cuts the answer: it never ends as if it were whole', async t => {
  const { base, parts } = await open(t)
  const folder = await tempFolder(t)
  const second = 's'.repeat(CHUNK_MIN)
  await writeFolder(folder, { 'b.csv': second })
  await writeFile(join(folder, 'a.bin'), randomBytes(5_000_000))
  const sent = await sendBundle(base, 'mnist', 'data', folder, 'features')
  const { id, tree } = (await sent.json()) as { id: string; tree: Digest }
  const url = `${base}/api/v1/workspaces/mnist/entities/${id}/content`

  await parts.store.remove([digestOf(second)])
  const cut = await fetch(url)
  await assert.rejects(cut.arrayBuffer())
  const told = await fetch(url)
  await parts.store.put([Buffer.from(second)])
  const healed = await fetch(url)
  await healed.arrayBuffer()
  await parts.store.remove([tree])
  const lost = await fetch(url)

  assert.equal(cut.status, 200)
  assert.equal(told.status, 500, 'who asks again is told why the answer was cut')
  assert.equal(healed.status, 200)
  assert.equal(lost.status, 500)
  const { code, message } = (await lost.json()) as { code: string; message: string }
  assert.equal(code, 'OBJECT_DAMAGED')
  assert.match(message, /of the data features:\w{5} are damaged or lost; deploy its folder again/)
})
