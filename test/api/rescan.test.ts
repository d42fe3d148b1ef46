import assert from 'node:assert/strict'
import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '../../api/digest.ts'
import { Chunker, chunks } from '../../api/transfer/chunker.ts'
import { RESCANNED, Rescan } from '../../api/transfer/rescan.ts'
import { sendFolder } from '../../api/transfer/send.ts'
import { type Chunk, encodeFile } from '../../api/tree.ts'
import { openMemoryStore } from '../../store/memory.ts'
import { requireComplete } from '../../store/trees.ts'
import { noise } from '../store/bytes.ts'
import { channelTo } from '../store/channel.ts'
import { temporaryFolder } from '../store/folders.ts'

async function cutOf(bytes: Buffer): Promise<Chunk[]> {
  return Array.fromAsync(chunks([bytes]), chunk => ({
    digest: digestOf(chunk),
    length: chunk.length,
  }))
}

interface Scanned {
  readonly list: Chunk[]
  /** Of the chunks that would be sent. */
  readonly fresh: Digest[]
  readonly stepped: number
}

async function rescanned(
  path: string,
  before: readonly Chunk[],
  isHere: (digest: Digest) => boolean = () => true,
): Promise<Scanned> {
  const handle = await open(path)
  const [list, fresh]: [Chunk[], Digest[]] = [[], []]
  let stepped = 0
  try {
    const { size } = await handle.stat()
    const rescan = new Rescan({
      handle,
      size,
      chunker: new Chunker(),
      before: encodeFile(before),
      isHere,
      same: (digest, length) => list.push({ digest, length }),
      fresh: (digest, chunk) => {
        assert.equal(digestOf(chunk), digest)
        fresh.push(digest)
        list.push({ digest, length: chunk.length })
        return Promise.resolve()
      },
      step: bytes => {
        stepped += bytes
      },
    })
    await rescan.run()
  } finally {
    await handle.close()
  }
  return { list, fresh, stepped }
}

const OLD = noise(6_000_000, 1)
const place = fc.integer({ min: 0, max: OLD.length })
const length = fc.integer({ min: 0, max: 400_000 })
type Edit = (bytes: Buffer) => Buffer
const someEdit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, length, fc.nat()).map(([at, size, seed]) => (bytes: Buffer) => {
    return Buffer.concat([bytes.subarray(0, at), noise(size, seed), bytes.subarray(at)])
  }),
  fc.tuple(place, length, fc.nat()).map(([at, size, seed]) => (bytes: Buffer) => {
    return Buffer.concat([bytes.subarray(0, at), noise(size, seed), bytes.subarray(at + size)])
  }),
  fc.tuple(place, length).map(([at, size]) => (bytes: Buffer) => {
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
  }),
  // A part of it again, elsewhere.
  fc.tuple(place, place, length).map(([from, to, size]) => (bytes: Buffer) => {
    const part = bytes.subarray(from, from + size)
    return Buffer.concat([bytes.subarray(0, to), part, bytes.subarray(to)])
  }),
  fc.tuple(place, length).map(([at, size]) => (bytes: Buffer) => {
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(size), bytes.subarray(at)])
  }),
  place.map(at => (bytes: Buffer) => bytes.subarray(0, at)),
)

test('a file is cut as if it had never been read before, whatever was done to it', async t => {
  const file = join(await temporaryFolder(t), 'file')
  const before = await cutOf(OLD)
  const edits = fc.array(someEdit, { maxLength: 5 })

  await fc.assert(
    fc.asyncProperty(edits, async edits => {
      const bytes = edits.reduce((all, edit) => edit(all), OLD)
      await writeFile(file, bytes)

      const { list, fresh, stepped } = await rescanned(file, before)

      const whole = await cutOf(bytes)
      const known = new Set(before.map(chunk => chunk.digest))
      assert.deepEqual(list, whole)
      assert.equal(stepped, bytes.length)
      for (const { digest } of whole) assert.ok(known.has(digest) || fresh.includes(digest))
    }),
    { numRuns: 40 },
  )
})

test('of a file that did not change nothing is cut, of one that grew only its end', async t => {
  const file = join(await temporaryFolder(t), 'file')
  const before = await cutOf(OLD)
  await writeFile(file, OLD)
  const same = await rescanned(file, before)
  const grown = Buffer.concat([OLD, noise(300_000, 2)])
  await writeFile(file, grown)

  const more = await rescanned(file, before)

  assert.deepEqual(same, { list: before, fresh: [], stepped: OLD.length })
  assert.deepEqual(more.list, await cutOf(grown))
  assert.deepEqual(
    more.fresh,
    more.list.slice(before.length - 1).map(chunk => chunk.digest),
  )
})

test('what the other side lacks is handed over with its bytes', async t => {
  const file = join(await temporaryFolder(t), 'file')
  const before = await cutOf(OLD)
  await writeFile(file, OLD)
  const lacking = new Set([0, 7, 8, before.length - 1].map(at => before[at]!.digest))

  const { list, fresh } = await rescanned(file, before, digest => !lacking.has(digest))

  assert.deepEqual(list, before)
  assert.ok([...lacking].every(digest => fresh.includes(digest)))
  assert.ok(fresh.length < 12)
})

test('a file whose parts were mixed up is cut as any other', async t => {
  const file = join(await temporaryFolder(t), 'file')
  const before = await cutOf(OLD)
  let at = 0
  const parts = before.map(({ length }) => OLD.subarray(at, (at += length)))
  const mixed = Buffer.concat(parts.map((_, i) => parts[(i * 31) % parts.length]!))
  await writeFile(file, mixed)

  const { list } = await rescanned(file, before)

  assert.deepEqual(list, await cutOf(mixed))
})

test('a file that ends early, or holds less than was said, ends the reading', async t => {
  const file = join(await temporaryFolder(t), 'file')
  const before = await cutOf(OLD)
  await writeFile(file, OLD)
  const handle = await open(file)
  const list: Chunk[] = []
  const rescan = new Rescan({
    handle,
    size: OLD.length,
    chunker: new Chunker(),
    before: encodeFile(before),
    isHere: () => true,
    same: (digest, length) => list.push({ digest, length }),
    fresh: (digest, chunk) => {
      list.push({ digest, length: chunk.length })
      return undefined
    },
    step: () => {},
  })
  await truncate(file, 3_000_000)

  await rescan.run()

  await handle.close()
  assert.equal(
    list.reduce((sum, chunk) => sum + chunk.length, 0),
    3_000_000,
  )
})

test('of a very large file that changed in places only those are sent', async t => {
  const { folder, push, fresh } = await veryLarge(t)
  const first = await push()
  const bytes = await readFile(join(folder, 'file'))
  const changed = Buffer.concat([
    bytes.subarray(0, 10_000_000),
    noise(50_000, 3),
    bytes.subarray(10_000_000, 40_000_000),
    bytes.subarray(40_001_000),
  ])
  await writeFile(join(folder, 'file'), changed)

  const second = await push()
  const third = await push()

  assert.equal(second.tree, await fresh())
  assert.notEqual(second.tree, first.tree)
  assert.ok(second.sentBytes < 1_000_000, `${second.sentBytes} bytes`)
  assert.deepEqual([third.tree, third.sentBytes], [second.tree, 0])
  assert.equal((await requireComplete(second.store, second.tree)).bytes, changed.length)
})

test('a very large file is sent whole to whom it is new, however well it is known', async t => {
  const { folder, push, fresh } = await veryLarge(t)
  await push()
  await writeFile(join(folder, 'file'), Buffer.from('x'), { flag: 'a' })
  const store = await openMemoryStore()

  const elsewhere = await push(store)

  assert.equal(elsewhere.tree, await fresh())
  assert.equal((await requireComplete(store, elsewhere.tree)).bytes, RESCANNED + 100_001)
})

async function veryLarge(t: TestContext) {
  const home = await temporaryFolder(t)
  const [folder, cache] = [join(home, 'folder'), join(home, 'cache')]
  const file = join(folder, 'file')
  await mkdir(folder)
  const block = noise(1_000_000, 4)
  await writeFile(file, '')
  for (let left = RESCANNED + 100_000, i = 0; left > 0; left -= block.length, i++) {
    block.writeUInt32BE(i, 500_000)
    await writeFile(file, block.subarray(0, left), { flag: 'a' })
  }
  const store = await openMemoryStore()
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 10_000 })
  return {
    folder,
    async push(to = store) {
      return { ...(await sendFolder(folder, channelTo(to), { cache })), store: to }
    },
    fresh: async () => (await sendFolder(folder, channelTo(await openMemoryStore()))).tree,
  }
}
