import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  append,
  consistencyProof,
  EMPTY,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  rootOfLeaves,
  verifyConsistency,
  verifyInclusion,
} from '../../api/merkle.ts'

/** The eight leaves, roots and paths that certificate-transparency tests itself with. */
const INPUTS = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]

const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const LEAF_2 = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'
const LEAF_5 = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b'
const LEAVES_3_4 = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e'
const LEAVES_5_6 = '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a'
const LEAVES_5_8 = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4'
const LEAVES_7_8 = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0'

const leaves = INPUTS.map(input => leafHash(Buffer.from(input, 'hex')))

describe('the Merkle tree of RFC 6962', () => {
  test('has the known roots for zero to eight leaves', () => {
    let frontier = EMPTY
    const roots = [rootOf(frontier)]
    for (const leaf of leaves) {
      frontier = append(frontier, leaf)
      roots.push(rootOf(frontier))
    }

    assert.deepEqual(hexOf(roots), ROOTS)
  })

  test('hashes a leaf from its parts as from the whole', () => {
    assert.deepEqual(leafHash(Buffer.from('a'), 'bé'), leafHash('abé'))
  })

  test('appends without changing the tree it appends to', () => {
    const three = leaves.slice(0, 3).reduce(append, EMPTY)
    append(append(three, leaves[3]!), leaves[4]!)

    assert.equal(rootOf(three).toString('hex'), ROOTS[3])
  })

  test('gives the known paths of inclusion', () => {
    const path = (leaf: number, size: number) =>
      hexOf(inclusionProof(leaves.slice(0, size), leaf - 1))

    assert.deepEqual(path(1, 1), [])
    assert.deepEqual(path(1, 8), [LEAF_2, LEAVES_3_4, LEAVES_5_8])
    assert.deepEqual(path(6, 8), [LEAF_5, LEAVES_7_8, ROOTS[4]])
    assert.deepEqual(path(3, 3), [ROOTS[2]])
    assert.deepEqual(path(2, 5), [ROOTS[1], LEAVES_3_4, LEAF_5])
  })

  test('gives the known proofs of consistency', () => {
    const proof = (first: number, second: number) =>
      hexOf(consistencyProof(leaves.slice(0, second), first))

    assert.deepEqual(proof(1, 1), [])
    assert.deepEqual(proof(1, 8), [LEAF_2, LEAVES_3_4, LEAVES_5_8])
    assert.deepEqual(proof(6, 8), [LEAVES_5_6, LEAVES_7_8, ROOTS[4]])
    assert.deepEqual(proof(2, 5), [LEAVES_3_4, LEAF_5])
  })

  test('refuses to prove what is not in it', () => {
    assert.throws(() => inclusionProof(leaves, 8), RangeError)
    assert.throws(() => inclusionProof(leaves, -1), RangeError)
    assert.throws(() => inclusionProof([], 0), RangeError)
    assert.throws(() => consistencyProof(leaves, 9), RangeError)
  })
})

describe('a proof of inclusion', () => {
  test('holds for every leaf of every tree, for that leaf at that place in that tree', () => {
    const many = leavesUpTo(40)
    for (let size = 1; size <= many.length; size++) {
      const tree = many.slice(0, size)
      const root = rootOfLeaves(tree)
      for (let index = 0; index < size; index++) {
        const claim = { leaf: tree[index]!, index, size, root, proof: inclusionProof(tree, index) }

        assert.equal(verifyInclusion(claim), true)
        assert.equal(verifyInclusion({ ...claim, index: index + 1 }), false)
        assert.equal(verifyInclusion({ ...claim, leaf: root, index: size }), false)
        assert.equal(verifyInclusion({ ...claim, leaf: leafHash('other') }), false)
        assert.equal(verifyInclusion({ ...claim, proof: [...claim.proof, root] }), false)
        if (size > 1) {
          assert.equal(verifyInclusion({ ...claim, proof: claim.proof.slice(1) }), false)
          assert.equal(verifyInclusion({ ...claim, proof: claim.proof.slice(0, -1) }), false)
        }
      }
    }
  })
})

describe('a proof of consistency', () => {
  test('holds for every beginning of every tree', () => {
    const many = leavesUpTo(40)
    for (let second = 0; second <= many.length; second++) {
      const tree = many.slice(0, second)
      for (let first = 0; first <= second; first++) {
        const claim = claimOf(tree, first)

        assert.equal(verifyConsistency(claim), true)
        assert.equal(verifyConsistency({ ...claim, firstRoot: leafHash('other') }), false)
        assert.equal(verifyConsistency({ ...claim, proof: [...claim.proof, leafHash('a')] }), false)
        if (claim.proof.length > 0) {
          const short = claim.proof.slice(0, -1)
          assert.equal(verifyConsistency({ ...claim, proof: short }), false)
          assert.equal(verifyConsistency({ ...claim, secondRoot: leafHash('other') }), false)
        }
      }
    }
  })

  test('does not hold once a leaf of the beginning is changed, taken out or moved', () => {
    const trees = fc.integer({ min: 2, max: 60 }).chain(second =>
      fc.record({
        second: fc.constant(second),
        first: fc.integer({ min: 1, max: second }),
        at: fc.nat(),
        kind: fc.constantFrom('change', 'remove', 'swap'),
      }),
    )
    const before = leavesUpTo(61)

    fc.assert(
      fc.property(trees, ({ second, first, at, kind }) => {
        const honest = before.slice(0, second)
        const forged = before.slice(0, second + 1)
        const place = at % first
        if (kind === 'change') forged[place] = leafHash('forged')
        else if (kind === 'remove') forged.splice(place, 1)
        else [forged[place], forged[place + 1]] = [forged[place + 1]!, forged[place]!]
        const claim = claimOf(forged.slice(0, second), first)
        const firstRoot = rootOfLeaves(honest.slice(0, first))
        // Swapping two leaves inside of the beginning or out of it changes its root either way.
        assert.equal(verifyConsistency({ ...claim, firstRoot }), false)
      }),
    )
  })

  test('is not fooled by sizes that are none', () => {
    const claim = claimOf(leaves, 4)

    for (const first of [-1, 0, 1.5, 9, Number.NaN]) {
      assert.equal(verifyConsistency({ ...claim, first }), false)
    }
  })
})

test('a node is not a leaf: the same bytes hash differently', () => {
  const [left, right] = [leaves[0]!, leaves[1]!]

  assert.notDeepEqual(nodeHash(left, right), leafHash(left, right))
})

function claimOf(tree: readonly Buffer[], first: number) {
  return {
    first,
    firstRoot: rootOfLeaves(tree.slice(0, first)),
    second: tree.length,
    secondRoot: rootOfLeaves(tree),
    proof: consistencyProof(tree, first),
  }
}

function leavesUpTo(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => leafHash(String(i)))
}

function hexOf(hashes: readonly Buffer[]): string[] {
  return hashes.map(hash => hash.toString('hex'))
}
