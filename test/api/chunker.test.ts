import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import fc from 'fast-check'
import { digestOf } from '../../api/digest.ts'
import { chunks, cutPoint, WINDOW } from '../../api/transfer/chunker.ts'
import { borrowField, lendBack, plainField } from '../../api/transfer/gear.ts'
import { CHUNK_AVERAGE, CHUNK_MAX, CHUNK_MIN } from '../../api/tree.ts'
import { noise, streamOf } from '../store/bytes.ts'

/* Frozen: if one of these numbers must change, what everybody has stored is cut anew. Then make a
 * version 2 instead. */
const lines = Array.from({ length: 40_000 }, (_, i) => `${i},${(i * 7919) % 10_007}\n`).join('')
const VECTORS = [
  {
    name: 'noise with seed 1',
    bytes: noise(1_000_000, 1),
    digest: 'sha256:8442bba7cfee49562f6a3ceb638f59cc123b38686ffd492d54e5db1fa38fa118',
    cuts: [
      59_884, 97_878, 163_984, 280_793, 362_509, 432_431, 544_276, 654_704, 745_819, 836_487,
      902_724, 974_312, 1_000_000,
    ],
  },
  {
    name: 'noise with seed 2',
    bytes: noise(1_000_000, 2),
    digest: 'sha256:a3320450a8c212febbee89eb18b38af5026dd5d20c5906d63810559a81743eda',
    cuts: [
      18_363, 57_353, 76_696, 161_291, 243_914, 313_970, 409_972, 478_516, 574_724, 646_683,
      734_454, 823_803, 923_172, 997_331, 1_000_000,
    ],
  },
  {
    name: 'lines of text',
    bytes: Buffer.from(lines),
    digest: 'sha256:ac22b705e55aa5a6bf8b45067be20fe76d345e139fdde4ad1b5e00d4b183958d',
    cuts: [84_596, 158_168, 231_623, 301_514, 368_109, 424_482],
  },
  {
    name: 'zeros',
    bytes: Buffer.alloc(600_000),
    digest: digestOf(Buffer.alloc(600_000)),
    cuts: [262_144, 524_288, 600_000],
  },
]

for (const { name, bytes, digest, cuts } of VECTORS) {
  test(`cuts ${name} where version 1 has always cut it`, async () => {
    assert.equal(digestOf(bytes), digest)

    assert.deepEqual(await cutsOf(streamOf([bytes])), cuts)
    assert.deepEqual(plainCuts(bytes), cuts)
  })
}

test('cuts at the same places with and without the accelerator', () => {
  const fast = borrowField(WINDOW)
  const slow = plainField(Buffer.from(fast.bytes))
  // Random bytes say to cut at once in some of these places and never in others.
  const lengths = fc.integer({ min: 0, max: 300_000 })
  fc.assert(
    fc.property(lengths, lengths, fc.nat(), fc.integer(), (from, length, seed, before) => {
      noise(length, seed).copy(fast.bytes, from)
      fast.bytes.copy(slow.bytes, from, from, from + length)
      for (const mask of [0xffffc000 | 0, 0xfffc0000 | 0, 0xf0000000 | 0]) {
        const found = fast.scan(from, from + length, mask, before)
        assert.equal(found, slow.scan(from, from + length, mask, before))
      }
      assert.equal(cutPoint(fast, from, from + length), cutPoint(slow, from, from + length))
    }),
    { numRuns: 200 },
  )
  lendBack(fast)
})

test('the accelerator is one, where there is WebAssembly', () => {
  const field = borrowField(WINDOW)

  assert.notEqual(field.scan.toString(), plainField(field.bytes).scan.toString())
  lendBack(field)
  assert.equal(borrowField(WINDOW), field)
  lendBack(field)
})

test('cuts at the same places whatever the sizes of the incoming buffers', async () => {
  const bytes = noise(700_000, 5)
  const expected = plainCuts(bytes)
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ max: 400_000, min: 1 })),
    {
      minLength: 1,
      maxLength: 20,
    },
  )

  await fc.assert(
    fc.asyncProperty(sizes, async parts => {
      assert.deepEqual(await cutsOf(streamOf(cutUp(bytes, parts))), expected)
    }),
    { numRuns: 40 },
  )
})

test('gives back exactly the bytes that came, in chunks of allowed lengths', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 900_000 }), fc.nat(), async (length, seed) => {
      const bytes = noise(length, seed)

      const cut = await Array.fromAsync(chunks(streamOf([bytes])))

      assert.ok(bytes.equals(Buffer.concat(cut)))
      assert.ok(cut.every(one => one.length > 0 && one.length <= CHUNK_MAX))
      assert.ok(cut.slice(0, -1).every(one => one.length > CHUNK_MIN))
      assert.deepEqual(lengthsToCuts(cut), plainCuts(bytes))
    }),
    { numRuns: 20 },
  )
})

test('an inserted byte changes only the chunks around it', async () => {
  const bytes = noise(3_000_000, 6)
  const changed = Buffer.concat([
    bytes.subarray(0, 1_500_000),
    Buffer.from('x'),
    bytes.subarray(1_500_000),
  ])

  const before = await Array.fromAsync(chunks(streamOf([bytes])), digestOf)
  const after = await Array.fromAsync(chunks(streamOf([changed])), digestOf)

  const known = new Set(before)
  const fresh = after.filter(digest => !known.has(digest))
  assert.ok(before.length > 30)
  assert.ok(fresh.length >= 1 && fresh.length <= 3, `${fresh.length} new chunks`)
})

test('takes no chunk from no bytes', async () => {
  assert.deepEqual(await Array.fromAsync(chunks(streamOf([]))), [])
  assert.deepEqual(await Array.fromAsync(chunks(streamOf([Buffer.alloc(0)]))), [])
})

test('gives chunks that stay as they are while later ones are cut', async () => {
  const bytes = noise(6_000_000, 7)

  const cut = await Array.fromAsync(chunks(streamOf(cutUp(bytes, [100_000]))))

  assert.ok(bytes.equals(Buffer.concat(cut)))
})

async function cutsOf(source: AsyncIterable<Uint8Array>): Promise<number[]> {
  return lengthsToCuts(await Array.fromAsync(chunks(source)))
}

function lengthsToCuts(cut: readonly Uint8Array[]): number[] {
  let at = 0
  return cut.map(one => (at += one.length))
}

/** These bytes in parts of these sizes, over and over. */
function cutUp(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = []
  const whole = sizes.some(size => size > 0) ? sizes : [1]
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(whole[i % whole.length] ?? 1, i > 2000 ? 100_000 : 0)
    parts.push(bytes.subarray(at, at + size))
    at += size
  }
  return parts
}

/** The definition, a byte at a time, as slow and as plain as it can be. */
function plainCuts(bytes: Buffer): number[] {
  const gear = Array.from({ length: 256 }, (_, i) =>
    createHash('sha256')
      .update(`kaos chunker 1:${i >> 3}`)
      .digest()
      .readUInt32BE((i & 7) * 4),
  )
  const cuts: number[] = []
  let start = 0
  let hash = 0
  for (let at = 0; at < bytes.length; at++) {
    const length = at + 1 - start
    hash = length <= CHUNK_MIN ? 0 : (hash * 2 + gear[bytes[at]!]!) % 2 ** 32
    const zeros = length <= CHUNK_AVERAGE ? 18 : 14
    const found = length > CHUNK_MIN && hash < 2 ** (32 - zeros)
    if (!found && length < CHUNK_MAX && at + 1 < bytes.length) continue
    start = at + 1
    cuts.push(start)
  }
  return cuts
}
