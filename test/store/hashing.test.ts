import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import test from 'node:test'
import { Block, BlockPool } from '../../store/packed/blocks.ts'
import { Hashing } from '../../store/packed/hashing.ts'
import { noise } from './bytes.ts'

/** A block of objects of these sizes, and what their digests are. */
function filled(sizes: readonly number[], seed: number): { block: Block; digests: Buffer } {
  const block = new Block()
  const objects = sizes.map((size, i) => noise(size, seed * 100 + i + 1))
  for (const object of objects) block.add(object)
  return { block, digests: Buffer.concat(objects.map(one => hash('sha256', one, 'buffer'))) }
}

test('blocks have the same digests whether they are hashed here or on the thread', async t => {
  const hashing = new Hashing()
  t.after(() => hashing.close())
  const sizes = [0, 1, 300_000, 5, 262_144, 17]

  for (let round = 0; round < 30; round++) {
    const blocks = [0, 1, 2, 3, 4].map(i => filled(i === 4 ? [3, 0] : sizes, round * 10 + i))
    await Promise.all(blocks.map(({ block }) => hashing.digest(block)))
    for (const { block, digests } of blocks) {
      assert.deepEqual(block.raws.subarray(0, digests.length), digests)
      assert.equal([...block.objects()].length, block.count)
    }
  }
})

test('when the thread ends, what it had is refused and the rest is hashed here', async () => {
  const hashing = new Hashing()
  const warm = filled([400_000], 1)
  for (let i = 0; i < 200; i++) await hashing.digest(warm.block)
  const waiting = [1, 2, 3].map(i => filled([900_000], i))

  const hashed = Promise.allSettled(waiting.map(({ block }) => hashing.digest(block)))
  await hashing.close()

  for (const [i, result] of (await hashed).entries()) {
    const { block, digests } = waiting[i]!
    if (result.status === 'fulfilled') assert.deepEqual(block.raws.subarray(0, 32), digests)
    else assert.equal(block.count, 0)
  }
  const later = filled([400_000, 3], 9)
  await hashing.digest(later.block)
  assert.deepEqual(later.block.raws.subarray(0, 64), later.digests)
})

test('known objects are taken out of a block, the others keep their order', () => {
  const { block, digests } = filled([10, 20, 0, 30], 1)
  digests.copy(block.raws)
  const whole = Buffer.from(block.bytes.subarray(0, block.filled))

  block.sift(index => index === 1 || index === 3)

  assert.equal(block.count, 2)
  assert.deepEqual(
    block.bytes.subarray(0, block.filled),
    Buffer.concat([whole.subarray(14, 38), whole.subarray(42, 76)]),
  )
  assert.deepEqual(
    block.raws.subarray(0, 64),
    Buffer.concat([digests.subarray(32, 64), digests.subarray(96, 128)]),
  )
})

test('who needs a block waits for one, but not for ever', async () => {
  const pool = new BlockPool()
  const taken = await Promise.all(Array.from({ length: 24 }, () => pool.take()))
  const waiting = pool.take()
  pool.give(taken[0]!)

  assert.equal(await waiting, taken[0])
  assert.ok((await pool.take()) instanceof Block)
})
