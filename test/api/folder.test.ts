import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { digestOf } from '../../api/digest.ts'
import { FolderMaker, smallFileDigest } from '../../api/folder.ts'
import {
  CHUNK_MAX,
  CHUNK_MIN,
  decodeTree,
  EMPTY_FILE,
  EMPTY_TREE,
  type Entry,
  encodeFile,
  encodeTree,
  segmentsOf,
} from '../../api/tree.ts'
import { noise } from '../store/bytes.ts'

const large: Omit<Entry, 'name'> = { kind: 'file', size: CHUNK_MIN, digest: digestOf('large') }

test('the encoding of a folder with small files is frozen', () => {
  const maker = new FolderMaker()
  maker.small('a', false, Buffer.from('first'))
  maker.add({ name: 'b', ...large })
  maker.small('c', true, Buffer.from('second'))
  maker.add({ name: 'd', kind: 'folder', size: 0, digest: EMPTY_TREE })
  maker.add({ name: 'e', kind: 'file', size: 0, digest: EMPTY_FILE })

  const { digest, size, objects } = maker.finish()

  assert.equal(digest, 'sha256:4b8fb44f265439102a61a056ac1e1736099c04c8d10d97753e2b2dc0d2f7b02f')
  assert.equal(size, CHUNK_MIN + 11)
  assert.deepEqual(
    objects.map(one => one.digest),
    [digestOf('firstsecond'), digest],
  )
})

test('the places where segments are cut are frozen', () => {
  const same = (count: number, size: number, seed = 1) => lengthsOf(count, seed, () => size)

  assert.deepEqual(same(200, 2048), [57344, 120832, 126976, 49152, 55296])
  assert.deepEqual(
    same(60, CHUNK_MIN - 1),
    [49149, 32766, 163830, 32766, 212979, 147447, 65532, 49149, 49149, 98298, 32766, 49149],
  )
  assert.deepEqual(
    lengthsOf(100, 1, i => ((i * 2749) % (CHUNK_MIN - 1)) + 1),
    [58183, 42351, 54347, 57984, 18718, 25853, 76617, 34573, 59009, 123459, 160609, 28073, 23602],
  )
  // No file said where to cut, so the first segment ends where another might not fit.
  assert.deepEqual(same(130, 2048, 8971), [247808, 18432])
})

/** Of the segments of so many files, whose bytes are the same on every machine. */
function lengthsOf(count: number, seed: number, sizeOf: (i: number) => number): number[] {
  const maker = new FolderMaker()
  for (let i = 0; i < count; i++) {
    maker.small(String(i).padStart(6, '0'), false, noise(sizeOf(i), i + seed))
  }
  return segmentsOf(maker.finish().entries).map(one => one.length)
}

test('a folder without small files is one of version 1', () => {
  const entries: Entry[] = [
    { name: 'a', ...large },
    { name: 'b', kind: 'file', size: 0, digest: EMPTY_FILE },
  ]
  const maker = new FolderMaker()
  for (const entry of entries) maker.add(entry)

  const { objects } = maker.finish()

  assert.deepEqual(
    objects.map(one => one.bytes),
    [encodeTree(entries)],
  )
})

test('what was made is what is read, and segments hold the files one after another', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: CHUNK_MIN - 1 }), { maxLength: 80 })
  fc.assert(
    fc.property(sizes, sizes => {
      const files = sizes.map((size, i) => noise(size, i + 1))
      const maker = new FolderMaker()
      const segments: Buffer[] = []
      for (const [i, bytes] of files.entries()) {
        const segment = maker.small(`f${String(i).padStart(3, '0')}`, false, bytes)
        if (segment !== undefined) segments.push(segment.bytes)
      }
      const { objects, entries } = maker.finish()
      segments.push(...objects.slice(0, -1).map(one => one.bytes))

      const decoded = decodeTree(objects.at(-1)!.bytes)

      assert.deepEqual(decoded, entries)
      assert.ok(Buffer.concat(segments).equals(Buffer.concat(files)))
      assert.ok(segments.every(one => one.length >= 1 && one.length <= CHUNK_MAX))
      assert.ok(segments.slice(0, -1).every(one => one.length >= CHUNK_MIN))
      assert.deepEqual(
        decoded.map(one => one.digest),
        files.map(smallFileDigest),
      )
    }),
    { numRuns: 30 },
  )
})

test('a small file has the digest of the list that it would have', () => {
  const bytes = Buffer.from('abc')

  assert.equal(
    smallFileDigest(bytes),
    digestOf(encodeFile([{ digest: digestOf(bytes), length: bytes.length }])),
  )
  assert.equal(smallFileDigest(Buffer.alloc(0)), EMPTY_FILE)
})

test('a changed file changes the segment in which it lies, and few others', () => {
  const maker = (changed: number) => {
    const one = new FolderMaker()
    for (let i = 0; i < 500; i++) {
      one.small(String(i).padStart(3, '0'), false, noise(2048, i === changed ? 10_000 : i + 1))
    }
    return new Set(segmentsOf(one.finish().entries).map(segment => segment.digest))
  }
  const before = maker(-1)

  const fresh = [0, 250, 499].map(changed => [...maker(changed)].filter(one => !before.has(one)))

  assert.ok(before.size > 10)
  assert.ok(
    fresh.every(one => one.length >= 1 && one.length <= 3),
    String(fresh.map(one => one.length)),
  )
})

test('a file that is not small is not taken as one', () => {
  const maker = new FolderMaker()

  assert.throws(() => maker.small('a', false, Buffer.alloc(0)), RangeError)
  assert.throws(() => maker.small('a', false, Buffer.alloc(CHUNK_MIN)), RangeError)
})

test('a tree with segments that breaks a rule is refused', () => {
  const maker = new FolderMaker()
  maker.small('a', false, Buffer.from('abc'))
  maker.small('b', false, Buffer.from('defg'))
  const good = maker.finish().objects.at(-1)!.bytes
  const head = 8 + 36
  const bad = [
    // No segment, one that is empty, too long, or not as long as its files.
    changed(good, 7, 0),
    changed(good, 7, 2),
    changed(good, 43, 0),
    changed(good, 41, 0x10),
    changed(good, 43, 6),
    changed(good, 43, 8),
    // A small file that says it is none, a folder, nothing known, and one that is not small.
    changed(good, head + 4, 1),
    changed(good, head + 4, 3),
    changed(good, head + 4, 6),
    changed(good, head + 4, 7),
    changed(good, head + 4 + 7, 0x40),
    changed(good, head + 4 + 8, 0),
    good.subarray(0, 8),
    good.subarray(0, head + 3),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.alloc(1)]),
    changed(good, 2, 0x31),
    changed(good, 2, 0x33),
  ]

  assert.equal(decodeTree(good).length, 2)
  for (const [i, bytes] of bad.entries()) {
    assert.throws(() => decodeTree(bytes), { code: 'BAD_REQUEST' }, `case ${i}`)
  }
})

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}
