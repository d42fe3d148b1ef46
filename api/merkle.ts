/* The Merkle tree over the log (RFC 6962, section 2.1; verification as in RFC 9162, section 2.1).
 *
 *   MTH({})  = SHA-256()
 *   leaf     = SHA-256(0x00 || data)
 *   node     = SHA-256(0x01 || left || right)
 *
 * A tree of n leaves is a row of perfect trees, one per set bit of n, the largest first. Their roots
 * (the frontier) are all one must keep to append a leaf or to name the root: O(log n) for both. */
import { createHash } from 'node:crypto'

/** Roots of the perfect trees that make up a tree of `size` leaves, the largest first. */
export interface Frontier {
  readonly size: number
  readonly peaks: readonly Buffer[]
}

export const EMPTY: Frontier = { size: 0, peaks: [] }

const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

/** Hash of a leaf whose data are these parts one after the other. */
export function leafHash(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256').update(LEAF)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

/** The frontier with one more leaf; the given one stays as it is. */
export function append(frontier: Frontier, leaf: Buffer): Frontier {
  const peaks = [...frontier.peaks]
  let top = leaf
  for (let size = frontier.size; size % 2 === 1; size = (size - 1) / 2) {
    top = nodeHash(peaks.pop()!, top)
  }
  peaks.push(top)
  return { size: frontier.size + 1, peaks }
}

/** Root of the tree (MTH). */
export function rootOf(frontier: Frontier): Buffer {
  const peaks = [...frontier.peaks]
  let root = peaks.pop()
  if (root === undefined) return createHash('sha256').digest()
  while (peaks.length > 0) root = nodeHash(peaks.pop()!, root)
  return root
}

/** Root of the tree over these leaf hashes. */
export function rootOfLeaves(leaves: readonly Buffer[]): Buffer {
  return rootOf(leaves.reduce(append, EMPTY))
}

/** Proves that leaf `index` is in the tree over these leaf hashes: the siblings on the way to the
 * root, the nearest first. */
export function inclusionProof(leaves: readonly Buffer[], index: number): Buffer[] {
  if (!(Number.isInteger(index) && index >= 0 && index < leaves.length)) {
    throw new RangeError(`leaf ${index} is not in a tree of ${leaves.length} leaves`)
  }
  if (leaves.length === 1) return []
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return index < split
    ? [...inclusionProof(left, index), rootOfLeaves(right)]
    : [...inclusionProof(right, index - split), rootOfLeaves(left)]
}

/** Proves that the tree over the first `first` of these leaf hashes is a beginning of the whole. */
export function consistencyProof(leaves: readonly Buffer[], first: number): Buffer[] {
  if (!(Number.isInteger(first) && first >= 0 && first <= leaves.length)) {
    throw new RangeError(`a tree of ${first} leaves is no beginning of one of ${leaves.length}`)
  }
  return first === 0 ? [] : subproof(leaves, first, true)
}

/** `whole`: the verifier knows the root of this part already. */
function subproof(leaves: readonly Buffer[], first: number, whole: boolean): Buffer[] {
  if (first === leaves.length) return whole ? [] : [rootOfLeaves(leaves)]
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return first <= split
    ? [...subproof(left, first, whole), rootOfLeaves(right)]
    : [...subproof(right, first - split, false), rootOfLeaves(left)]
}

/** The largest power of two below n: where RFC 6962 splits a tree of n leaves. */
export function splitOf(n: number): number {
  let split = 1
  while (split * 2 < n) split *= 2
  return split
}

export interface Inclusion {
  readonly leaf: Buffer
  readonly index: number
  readonly size: number
  readonly root: Buffer
  readonly proof: readonly Buffer[]
}

/** Whether the proof shows that the leaf stands at `index` in the tree with this size and root. */
export function verifyInclusion({ leaf, index, size, root, proof }: Inclusion): boolean {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size)) return false
  let [node, last] = [index, size - 1]
  let hash = leaf
  for (const sibling of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash)
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)]
    } else {
      hash = nodeHash(hash, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && hash.equals(root)
}

export interface Consistency {
  readonly first: number
  readonly firstRoot: Buffer
  readonly second: number
  readonly secondRoot: Buffer
  readonly proof: readonly Buffer[]
}

/** Whether the proof shows that the second tree only added leaves to the first. */
export function verifyConsistency(claim: Consistency): boolean {
  const { first, firstRoot, second, secondRoot, proof } = claim
  if (!(Number.isSafeInteger(first) && first >= 0 && first <= second)) return false
  if (first === 0) return proof.length === 0 && firstRoot.equals(rootOf(EMPTY))
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot)
  // A perfect first tree is itself the node where the proof starts, so it is not sent.
  const path = splitOf(first + 1) === first ? [firstRoot, ...proof] : [...proof]
  const start = path.shift()
  if (start === undefined) return false
  let [node, last] = [first - 1, second - 1]
  while (node % 2 === 1) [node, last] = [half(node), half(last)]
  let [before, after] = [start, start]
  for (const sibling of path) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      before = nodeHash(sibling, before)
      after = nodeHash(sibling, after)
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)]
    } else {
      after = nodeHash(after, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && before.equals(firstRoot) && after.equals(secondRoot)
}

function half(n: number): number {
  return Math.floor(n / 2)
}
