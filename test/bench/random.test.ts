import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { Random } from '../../bench/random.ts'

type Four = [bigint, bigint, bigint, bigint]

test('a label always brings the same sequence, another label another', () => {
  const draw = (label: string) => {
    const random = new Random(label)
    return Array.from({ length: 4 }, () => random.next())
  }

  assert.deepEqual(draw('w1 1'), [3030257622, 506195043, 1246766369, 1600078395])
  assert.notDeepEqual(draw('w1 1'), draw('w1 2'))
})

test('the sequence is that of xoshiro128**, as its authors define it', () => {
  const reference = xoshiro('w2 2 17')
  const wanted = Array.from({ length: 1000 }, () => reference())

  const random = new Random('w2 2 17')
  const drawn = Array.from({ length: 1000 }, () => random.next())

  assert.deepEqual(drawn, wanted)
})

test('a whole number below a limit never reaches it', () => {
  const random = new Random('limits')

  const drawn = Array.from({ length: 10_000 }, () => random.below(7))

  assert.deepEqual(new Set(drawn), new Set([0, 1, 2, 3, 4, 5, 6]))
})

test('bytes are the same wherever they lie in memory', () => {
  const aligned = new Uint8Array(10)
  const shifted = new Uint8Array(13).subarray(3)

  new Random('bytes').fill(aligned)
  new Random('bytes').fill(shifted)

  assert.deepEqual([...shifted], [...aligned])
})

/** Written once more from the definition, with whole numbers of any size. */
function xoshiro(label: string): () => number {
  const seed = createHash('sha256').update(label).digest()
  let [a, b, c, d] = [0, 4, 8, 12].map(at => BigInt(seed.readUInt32LE(at))) as Four
  const word = (value: bigint) => BigInt.asUintN(32, value)
  const turned = (value: bigint, by: bigint) => word((value << by) | (value >> (32n - by)))
  return () => {
    const result = word(turned(word(b * 5n), 7n) * 9n)
    const shifted = word(b << 9n)
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = turned(d, 11n)
    return Number(result)
  }
}
