import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { digestOf } from '../../api/digest.ts'
import { chunksIn, FileList, sizeIn } from '../../api/transfer/list.ts'
import {
  CHUNK_MAX,
  decodeFile,
  decodeTree,
  EMPTY_FILE,
  EMPTY_TREE,
  type Entry,
  encodeFile,
  encodeTree,
  isEntryName,
} from '../../api/tree.ts'

const digest = digestOf('x')
const file = (name: string): Entry => ({ name, kind: 'file', size: 1, digest })

const someEntry = fc.record(
  {
    name: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter(isEntryName),
    kind: fc.constantFrom('file' as const, 'executable' as const, 'folder' as const),
    size: fc.maxSafeNat(),
    digest: fc.string().map(digestOf),
  },
  { noNullPrototype: true },
)
const someEntries = fc.uniqueArray(someEntry, { selector: entry => entry.name, maxLength: 30 })
const someChunks = fc.array(
  fc.record(
    { digest: fc.string().map(digestOf), length: fc.integer({ min: 1, max: CHUNK_MAX }) },
    { noNullPrototype: true },
  ),
)

test('a tree is the same in whatever order its entries come', () => {
  fc.assert(
    fc.property(someEntries, entries => {
      const encoded = encodeTree(entries)

      assert.deepEqual(encodeTree(entries.toReversed()), encoded)
      const decoded = decodeTree(encoded)
      assert.deepEqual(encodeTree(decoded), encoded)
      assert.deepEqual(new Set(decoded.map(one => one.name)), new Set(entries.map(one => one.name)))
    }),
  )
})

test('names are ordered by their bytes', () => {
  const names = ['é', 'Z', 'a b', 'a', '\u{10000}', '\uffff', 'B\n:']

  const sorted = decodeTree(encodeTree(names.map(file))).map(entry => entry.name)

  const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  assert.deepEqual(sorted, byBytes)
})

test('the encodings are frozen', () => {
  const tree = encodeTree([file('b'), { ...file('a'), kind: 'executable', size: 258 }])

  assert.equal(
    EMPTY_TREE,
    'sha256:135b63749ba6a5ee7a9d0a90306cd9b360ae308b025d3a19197d63ae666190cb',
  )
  assert.equal(
    EMPTY_FILE,
    'sha256:1e4999e4e1be102bf7029aa65777a2c7de5aefd41c0c9b5086410dd72727bf8b',
  )
  assert.equal(
    digestOf(tree),
    'sha256:a8edfa850f6e3715fadb292b2741c0f4d37101dd438df83b5dfe2904b48a02d0',
  )
  assert.equal(
    digestOf(encodeFile([{ digest, length: 1 }])),
    'sha256:d48328109eb4d0ebd3bcadf34009efc4005d237463bd919c2be25d09daf54a50',
  )
})

test('a tree that breaks a rule is refused', () => {
  const good = encodeTree([file('a'), file('b')])
  const twice = Buffer.concat([good.subarray(0, 8), good.subarray(8, 52), good.subarray(8, 52)])
  const reversed = Buffer.concat([good.subarray(0, 8), good.subarray(52), good.subarray(8, 52)])
  const bad = [
    Buffer.alloc(0),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.alloc(1)]),
    twice,
    reversed,
    changed(good, 3, 1),
    changed(good, 8, 0),
    changed(good, 8, 4),
    changed(good, 9, 255),
    changed(good, 51, 0x2f),
    changed(good, 51, 0),
    changed(good, 51, 0xff),
    encodeTree([file('..')]),
    encodeTree([file('.')]),
    encodeTree([file('')]),
    encodeTree([file('x'.repeat(256))]),
  ]

  assert.equal(decodeTree(good).length, 2)
  for (const bytes of bad) assert.throws(() => decodeTree(bytes), { code: 'BAD_REQUEST' })
})

test('a file list that breaks a rule is refused, read at once or piece by piece', () => {
  const good = encodeFile([{ digest, length: 5 }])
  const bad = [
    Buffer.alloc(0),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.alloc(1)]),
    changed(good, 0, 0),
    changed(good, 7, 2),
    encodeFile([{ digest, length: 0 }]),
    encodeFile([{ digest, length: CHUNK_MAX + 1 }]),
  ]

  for (const bytes of bad) {
    assert.throws(() => decodeFile(bytes), { code: 'BAD_REQUEST' })
    assert.throws(() => [...chunksIn(bytes)], { code: 'BAD_REQUEST' })
    assert.throws(() => sizeIn(bytes), { code: 'BAD_REQUEST' })
  }
})

test('a list built and read piece by piece is the list', () => {
  fc.assert(
    fc.property(someChunks, chunks => {
      const list = new FileList()

      for (const chunk of chunks) list.add(chunk.digest, chunk.length)

      assert.deepEqual(list.encoded(), encodeFile(chunks))
      assert.deepEqual([...chunksIn(list.encoded())], chunks)
      assert.deepEqual(decodeFile(list.encoded()), chunks)
      assert.equal(sizeIn(list.encoded()), list.size)
    }),
  )
})

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}
