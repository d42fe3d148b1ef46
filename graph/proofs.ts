/* Proofs over the log of a ledger, whichever back end keeps it (RFC 6962, section 2.1).
 *
 * A perfect subtree never changes once it is full, so its root is kept: those of 256 leaves and more.
 * The first proof reads every leaf once; each later one reads what came since, and a tile or two. */
import { EMPTY, nodeHash, rootOf, splitOf } from '../api/merkle.ts'
import type { Ledger } from './ledger.ts'

/** Leaves of a tile: 2 to the TILE_LEVEL. */
const TILE_LEVEL = 8
const TILE = 2 ** TILE_LEVEL
/** Leaves read at once. */
const PAGE = 16 * TILE
/** Tiles of leaves kept: 8 KiB each. */
const TILES_KEPT = 256
const HASH = 32

export interface Proofs {
  /** Hash of the tree over the first `size` leaves (MTH); RangeError beyond the log. */
  root(size: number): Promise<Buffer>
  /** Siblings of leaf `seq` on its way to the root of the first `size` leaves, the nearest first. */
  inclusion(seq: number, size: number): Promise<Buffer[]>
  /** Shows that the tree of `first` leaves is a beginning of the tree of `second`. */
  consistency(first: number, second: number): Promise<Buffer[]>
}

export function openProofs(ledger: Ledger): Proofs {
  const tree = new Tree(ledger)

  async function requireWithin(size: number): Promise<void> {
    const head = await ledger.head()
    if (Number.isSafeInteger(size) && size >= 0 && size <= head.size) return
    throw new RangeError(`the log has ${head.size} statements, not ${size}`)
  }

  return {
    async root(size) {
      await requireWithin(size)
      return tree.hash(0, size)
    },
    async inclusion(seq, size) {
      await requireWithin(size)
      if (!(Number.isSafeInteger(seq) && seq >= 0 && seq < size)) {
        throw new RangeError(`statement ${seq} is not among the first ${size}`)
      }
      return tree.path(seq, 0, size)
    },
    async consistency(first, second) {
      await requireWithin(second)
      if (!(Number.isSafeInteger(first) && first >= 0 && first <= second)) {
        throw new RangeError(`the first ${first} statements are no beginning of ${second}`)
      }
      return first === 0 ? [] : tree.subproof(first, 0, second, true)
    },
  }
}

class Tree {
  readonly #ledger: Ledger
  /** Roots of perfect subtrees of TILE leaves or more, by level and index. */
  readonly #roots = new Map<string, Buffer>()
  /** Leaf hashes, a tile each, in the order of their last use. */
  readonly #tiles = new Map<number, Buffer>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Hash of the tree over `count` leaves from `start` on; `start` is where a tree of that size may
   * begin, as the splits of RFC 6962 have it. */
  async hash(start: number, count: number): Promise<Buffer> {
    if (count === 0) return rootOf(EMPTY)
    const level = Math.log2(count)
    if (Number.isInteger(level)) return this.#perfect(level, start / count)
    const split = splitOf(count)
    const [left, right] = [
      await this.hash(start, split),
      await this.hash(start + split, count - split),
    ]
    return nodeHash(left, right)
  }

  async path(leaf: number, start: number, count: number): Promise<Buffer[]> {
    if (count === 1) return []
    const split = splitOf(count)
    return leaf < split
      ? [...(await this.path(leaf, start, split)), await this.hash(start + split, count - split)]
      : [
          ...(await this.path(leaf - split, start + split, count - split)),
          await this.hash(start, split),
        ]
  }

  /** `whole`: the verifier knows the root of this part already. */
  async subproof(first: number, start: number, count: number, whole: boolean): Promise<Buffer[]> {
    if (first === count) return whole ? [] : [await this.hash(start, count)]
    const split = splitOf(count)
    return first <= split
      ? [
          ...(await this.subproof(first, start, split, whole)),
          await this.hash(start + split, count - split),
        ]
      : [
          ...(await this.subproof(first - split, start + split, count - split, false)),
          await this.hash(start, split),
        ]
  }

  async #perfect(level: number, index: number): Promise<Buffer> {
    if (level < TILE_LEVEL) return this.#inTile(level, index)
    const key = `${level}/${index}`
    const known = this.#roots.get(key)
    if (known !== undefined) return known
    const root =
      level === TILE_LEVEL
        ? foldedRoot(await this.#tile(index, true))
        : nodeHash(
            await this.#perfect(level - 1, 2 * index),
            await this.#perfect(level - 1, 2 * index + 1),
          )
    this.#roots.set(key, root)
    return root
  }

  /** A subtree that is smaller than a tile. */
  async #inTile(level: number, index: number): Promise<Buffer> {
    const size = 2 ** level
    const start = index * size
    const tile = await this.#tile(Math.floor(start / TILE), false)
    const at = (start % TILE) * HASH
    return foldedRoot(tile.subarray(at, at + size * HASH))
  }

  /** The leaves of a tile, as many as there are; `ahead`: the following ones are likely wanted next. */
  async #tile(index: number, ahead: boolean): Promise<Buffer> {
    const known = this.#tiles.get(index)
    if (known?.length === TILE * HASH) return known
    const from = index * TILE
    const entries = await this.#ledger.log(from, ahead ? PAGE : TILE, { leaves: true })
    const leaves = Buffer.from(entries.map(entry => entry.leaf).join(''), 'hex')
    for (let at = 0; at < leaves.length; at += TILE * HASH) {
      this.#tiles.set(index + at / (TILE * HASH), leaves.subarray(at, at + TILE * HASH))
    }
    for (const oldest of this.#tiles.keys()) {
      if (this.#tiles.size <= TILES_KEPT) break
      if (oldest !== index) this.#tiles.delete(oldest)
    }
    return this.#tiles.get(index) ?? Buffer.alloc(0)
  }
}

/** Root over hashes that lie one after another; their number is a power of two. */
function foldedRoot(hashes: Buffer): Buffer {
  let row = Array.from({ length: hashes.length / HASH }, (_, i) =>
    hashes.subarray(i * HASH, (i + 1) * HASH),
  )
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, i) => nodeHash(row[2 * i]!, row[2 * i + 1]!))
  }
  return Buffer.from(row[0]!)
}
