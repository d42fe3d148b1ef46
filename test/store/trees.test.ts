import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '../../api/digest.ts'
import { smallFileDigest } from '../../api/folder.ts'
import { parseFrames } from '../../api/transfer/frames.ts'
import { DEPTH_MAX } from '../../api/transfer/protocol.ts'
import { EMPTY_FILE, EMPTY_TREE, type Entry, encodeFile, encodeTree } from '../../api/tree.ts'
import { openMemoryStore } from '../../store/memory.ts'
import {
  entriesOf,
  entryAt,
  FileReader,
  fileFrames,
  objectsOf,
  putBytes,
  putFolder,
  putTree,
  readFile,
  readSmallFile,
  requireComplete,
  treeFrames,
  walkTree,
} from '../../store/trees.ts'
import { noise, streamOf } from './bytes.ts'
import { sample } from './sample-tree.ts'

const abc = Buffer.from('abc')

test('bytes that are put as a file are read back', async () => {
  const store = await openMemoryStore()

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 900_000 }), fc.nat(), async (length, seed) => {
      const bytes = noise(length, seed)
      const halves = [bytes.subarray(0, length >> 1), bytes.subarray(length >> 1)]

      const file = await putBytes(store, streamOf(halves))

      assert.equal(file.size, length)
      assert.deepEqual(await putBytes(store, bytes), file)
      const read = Buffer.concat(await Array.fromAsync(readFile(store, file.digest)))
      assert.ok(bytes.equals(read))
    }),
    { numRuns: 20 },
  )
})

test('a file without bytes is the empty file', async () => {
  const store = await openMemoryStore()

  assert.deepEqual(await putBytes(store, streamOf([])), { digest: EMPTY_FILE, size: 0 })
})

test('a small file is read whole, one that is too large not at all', async () => {
  const store = await openMemoryStore()
  const { digest } = await putBytes(store, abc)

  assert.deepEqual(await readSmallFile(store, digest, 3), abc)
  await assert.rejects(readSmallFile(store, digest, 2), { code: 'TOO_LARGE' })
})

test('damaged bytes end the reading of a file before they are given out', async () => {
  const objects = new Map<Digest, Uint8Array>()
  const store = await openMemoryStore(objects)
  const { digest } = await putBytes(store, noise(900_000, 1))
  const chunks = [...objects.keys()].filter(one => one !== digest)
  objects.get(chunks[3]!)![0]! ^= 1
  const read: Uint8Array[] = []

  const reading = async () => {
    for await (const bytes of readFile(store, digest)) read.push(bytes)
  }

  await assert.rejects(reading(), { code: 'OBJECT_DAMAGED' })
  assert.deepEqual(read.map(digestOf), chunks.slice(0, 3))
})

test('a chunk of another length than its file says is not given out', async () => {
  const store = await openMemoryStore()
  await store.put([abc, encodeFile([{ digest: digestOf(abc), length: 2 }])])

  const lie = digestOf(encodeFile([{ digest: digestOf(abc), length: 2 }]))

  await assert.rejects(Array.fromAsync(readFile(store, lie)), { code: 'OBJECT_DAMAGED' })
})

test('entries are found by path', async () => {
  const { store, tree } = await sample()

  assert.equal((await entryAt(store, tree, 'model/train'))?.kind, 'executable')
  assert.equal((await entryAt(store, tree, 'model'))?.kind, 'folder')
  assert.equal(await entryAt(store, tree, 'model/none'), undefined)
  assert.equal(await entryAt(store, tree, 'file/below'), undefined)
  assert.equal(await entryAt(store, tree, ''), undefined)
  assert.deepEqual(
    (await entriesOf(store, tree)).map(one => one.name),
    ['file', 'model'],
  )
})

test('a tree is sent in the order of a walk, with everything as often as it appears', async () => {
  const { store, tree, model, big } = await sample()

  const objects = await objectsIn(await Array.fromAsync(treeFrames(store, tree)))

  const file = await objectsIn(await Array.fromAsync(fileFrames(store, big)))
  assert.equal(file[0], big)
  assert.ok(file.length > 5)
  assert.deepEqual(objects, [tree, ...file, model, digestOf('abcabc'), ...file])
})

test('a stream of frames never ends well when something is missing', async () => {
  const { store, tree } = await sample()

  for (const digest of await Array.fromAsync(objectsOf(store, tree))) {
    const object = await store.get(digest)
    await store.remove([digest])
    await assert.rejects(Array.fromAsync(treeFrames(store, tree)), { code: 'OBJECT_UNKNOWN' })
    await store.put([object])
  }
  assert.ok((await Array.fromAsync(treeFrames(store, tree))).length > 0)
})

test('the objects of a tree are named once each', async () => {
  const { store, tree } = await sample()

  const objects = await Array.fromAsync(objectsOf(store, tree))

  assert.equal(new Set(objects).size, objects.length)
  const all = await Array.fromAsync(store.list(), one => one.digest)
  assert.deepEqual(objects.toSorted(), all.sort())
})

test('a whole tree is known as such, and every missing object is named with its path', async () => {
  const { store, tree, big } = await sample()

  assert.deepEqual(await requireComplete(store, tree), { files: 4, folders: 1, bytes: 1_800_006 })
  for (const digest of await Array.fromAsync(objectsOf(store, tree))) {
    const object = await store.get(digest)
    await store.remove([digest])

    await assert.rejects(
      requireComplete(store, tree),
      (error: { code: string; detail: unknown }) => {
        assert.equal(error.code, 'BAD_REQUEST')
        const paths = digest === big ? ['file'] : ['', 'file', 'model', 'model/copy']
        const { path } = error.detail as { path: string }
        assert.ok(paths.includes(path), path)
        assert.equal((error.detail as { digest: Digest }).digest, digest)
        return true
      },
    )

    await store.put([object])
  }
  assert.equal((await requireComplete(store, tree)).files, 4)
})

test('a tree that lies about a size is refused', async () => {
  const store = await openMemoryStore()
  const short = encodeFile([{ digest: digestOf(abc), length: 2 }])
  await store.put([abc, short, encodeFile([]), encodeTree([])])
  const within = { segment: digestOf(abc), offset: 0 }
  const lies: Partial<Entry>[] = [
    { size: 1, digest: EMPTY_FILE },
    { size: 2, digest: digestOf(short) },
    { size: 1, kind: 'folder', digest: EMPTY_TREE },
    { size: 3, digest: digestOf(abc) },
    { size: 0, digest: EMPTY_TREE },
    { size: 0, kind: 'folder', digest: EMPTY_FILE },
    { size: 2, digest: smallFileDigest(abc), within },
    { size: 4, digest: smallFileDigest(abc), within },
  ]

  for (const lie of lies) {
    const [tree] = await store.put([encodeTree([entry('x', lie)])])
    await assert.rejects(requireComplete(store, tree!), { code: 'BAD_REQUEST' })
  }
})

test('a small tree that unfolds to a huge one is looked at once, one too deep not at all', async () => {
  const store = await openMemoryStore()
  const abcFile = await putBytes(store, abc)
  let tree = await putTree(store, [entry('a', abcFile), entry('b', abcFile)])
  let size = 6
  for (let i = 0; i < 40; i++) {
    const below = { kind: 'folder', size, digest: tree } as const
    tree = await putTree(store, [entry('a', below), entry('b', below)])
    size *= 2
  }
  let deep: Digest = EMPTY_TREE
  await store.put([encodeTree([])])
  for (let i = 0; i <= DEPTH_MAX; i++) {
    deep = await putTree(store, [entry('d', { kind: 'folder', digest: deep })])
  }

  assert.deepEqual(await requireComplete(store, tree), {
    files: 2 ** 41,
    folders: 2 ** 41 - 2,
    bytes: 3 * 2 ** 41,
  })
  assert.equal((await Array.fromAsync(objectsOf(store, tree))).length, 42)
  await assert.rejects(requireComplete(store, deep), { code: 'BAD_REQUEST' })
})

test('a tree that would unfold past all counting is refused', async () => {
  const store = await openMemoryStore()
  await putBytes(store, streamOf([]))
  let tree = await putTree(store, [entry('a', {}), entry('b', {})])
  for (let i = 0; i < 60; i++) {
    const below = { kind: 'folder', digest: tree } as const
    tree = await putTree(store, [entry('a', below), entry('b', below)])
  }

  await assert.rejects(requireComplete(store, tree), { code: 'BAD_REQUEST' })
})

test('a small file is read by its entry, and only if it is what its folder says', async () => {
  const store = await openMemoryStore()
  const { digest: tree } = await putFolder(store, [
    { path: 'a', content: abc },
    { path: 'b', content: Buffer.from('de') },
    { path: 'c', content: Buffer.alloc(0) },
  ])
  const [a, b, c] = await entriesOf(store, tree)
  const reader = new FileReader(store)

  assert.deepEqual(await reader.whole(b!, 2), Buffer.from('de'))
  assert.deepEqual(Buffer.concat(await Array.fromAsync(reader.read(a!))), abc)
  assert.deepEqual(await Array.fromAsync(readFile(store, c!)), [])
  await assert.rejects(reader.whole(a!, 2), { code: 'TOO_LARGE' })
  const false_ = { ...b!, digest: a!.digest }
  await assert.rejects(reader.whole(false_, 3), { code: 'DIGEST_MISMATCH' })
  await assert.rejects(Array.fromAsync(readFile(store, false_)), { code: 'DIGEST_MISMATCH' })
})

test('files that lie in one segment are read with one look into the store', async () => {
  const store = await openMemoryStore()
  const { digest: tree } = await putFolder(store, [
    { path: 'a', content: abc },
    { path: 'b', content: Buffer.from('de') },
  ])
  const asked: Digest[] = []
  const watched = { get: (one: Digest) => store.get(one).finally(() => asked.push(one)) }
  const reader = new FileReader(watched)

  for (const one of await entriesOf(store, tree)) await reader.whole(one, 3)

  assert.deepEqual(asked, [digestOf('abcde')])
})

test('a walk names every file in the order of trees', async () => {
  const { store, tree } = await sample()

  const files = await Array.fromAsync(walkTree(store, tree))

  assert.deepEqual(
    files.map(({ path, entry }) => [path, entry.kind, entry.size]),
    [
      ['file', 'file', 900_000],
      ['model/again', 'file', 900_000],
      ['model/copy', 'file', 3],
      ['model/train', 'executable', 3],
    ],
  )
})

function entry(name: string, rest: Partial<Entry>): Entry {
  return { name, kind: 'file', size: 0, digest: EMPTY_FILE, ...rest }
}

async function objectsIn(frames: Uint8Array[]): Promise<Digest[]> {
  return Array.fromAsync(parseFrames(streamOf(frames)), digestOf)
}
