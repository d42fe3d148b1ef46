import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamed } from '../../../server/kits/archive.ts'
import { frameOf, type Layer, measureLayer, readLayer } from '../../../server/kits/layer.ts'
import { untar } from '../../../server/kits/untar.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import type { Store } from '../../../store/store.ts'
import { graft, type Item, putFolder } from '../../../store/trees.ts'

const LONG = { d: 'd'.repeat(60), m: 'm'.repeat(200), n: 'n'.repeat(120) }

/** Names and sizes that each need a head of another form. */
const FILES: Record<string, string> = {
  'a.txt': 'hello\n',
  'run.sh': '#!/bin/sh\necho hi\n',
  nothing: '',
  'żółć/plik.txt': 'x',
  [`${LONG.d}/${LONG.d}/f.txt`]: 'long',
  [LONG.n]: 'toolong',
  [`${LONG.m}/${LONG.n}`]: 'deep',
  [`${LONG.m}/${LONG.m}/${LONG.m}`]: 'deeper',
  'a-b': 'sorted',
  'a/z': 'z',
  block: 'q'.repeat(600),
}

function itemsOf(files: Record<string, string | Buffer>): Item[] {
  return Object.entries(files).map(([path, text]) => ({
    path,
    content: Buffer.from(text),
    executable: text.toString().startsWith('#!'),
  }))
}

async function bytesOf(store: Store, layer: Layer, start?: number, end?: number): Promise<Buffer> {
  const range = start === undefined ? undefined : { start, end: end! }
  return Buffer.concat(await Array.fromAsync(readLayer(store, layer, range)))
}

test('a layer has the bytes that kit packs of the same folder', async () => {
  const store = await openMemoryStore()
  const { digest } = await putFolder(store, itemsOf(FILES))
  const tree = await graft(store, digest, ['sub', 'empty'], [])

  const packed = await measureLayer(store, { tree, prefix: 'features' })

  // What kit 1.7.0 says of these files below features/, with an empty folder sub/empty.
  assert.deepEqual(packed, {
    digest: 'sha256:33876b0f8a07daea90d90b1a43f5613ebe56b717738ba7a6d2edea615f66e292',
    size: 24576,
  })
})

test('any range of a layer is what the whole has there', async () => {
  const store = await openMemoryStore()
  const large = Buffer.alloc(700_000, 'large content, cut into chunks; ')
  const { digest } = await putFolder(store, itemsOf({ ...FILES, 'b/large': large, z: 'last' }))
  const layer = { tree: digest, prefix: 'data/features' }
  const whole = await bytesOf(store, layer)

  const edges = [0, 1, 511, 512, 513, 1536, 8000, 30_000, 400_000, whole.length - 1024]
  const starts = [...edges, whole.length - 1, whole.length]
  for (const start of starts) {
    for (const length of [0, 1, 700, 200_000, whole.length]) {
      const range = await bytesOf(store, layer, start, start + length)
      assert.ok(range.equals(whole.subarray(start, start + length)), `${start} + ${length}`)
    }
  }
})

test('a range is read without the contents before it', async () => {
  const store = await openMemoryStore()
  const files = { early: Buffer.alloc(3_000_000, 'early'), late: 'at the end' }
  const { digest } = await putFolder(store, itemsOf(files))
  const layer = { tree: digest, prefix: '' }
  const { size } = await measureLayer(store, layer)
  let read = 0
  const counted: Pick<Store, 'get'> = {
    async get(asked) {
      const bytes = await store.get(asked)
      read += bytes.length
      return bytes
    },
  }

  const tail = readLayer(counted, layer, { start: size - 2048, end: size })

  assert.match(Buffer.concat(await Array.fromAsync(tail)).toString(), /at the end/)
  assert.ok(read < 20_000, `${read} bytes were read`)
})

test('what a layer packs is unpacked as the same files, under their paths', async () => {
  const store = await openMemoryStore()
  const { digest } = await putFolder(store, itemsOf(FILES))
  const found: Record<string, string> = {}
  const folders: string[] = []
  const runs: string[] = []

  const source = readLayer(store, { tree: digest, prefix: 'top/features' })
  for await (const { path, kind, content } of untar(streamed(source))) {
    if (kind === 'folder') folders.push(path)
    else found[path] = Buffer.concat(await Array.fromAsync(content)).toString()
    if (kind === 'executable') runs.push(path)
  }

  const expected = Object.entries(FILES).map(([path, text]) => [`top/features/${path}`, text])
  assert.deepEqual(found, Object.fromEntries(expected))
  assert.deepEqual(folders.slice(0, 3), ['top', 'top/features', 'top/features/a'])
  assert.deepEqual(runs, ['top/features/run.sh'])
})

test('the frame of an archive is told without its contents, as it is found when unpacking', async () => {
  const store = await openMemoryStore()
  const { digest } = await putFolder(store, itemsOf(FILES))
  const layer = { tree: digest, prefix: 'features' }
  const found: Uint8Array[] = []

  for await (const _ of untar(streamed(readLayer(store, layer)), bytes =>
    found.push(Buffer.from(bytes)),
  ));

  const told = Buffer.concat(await Array.fromAsync(frameOf(store, layer)))
  assert.ok(Buffer.concat(found).equals(told))
  assert.ok(!told.includes('toolong'))
})
