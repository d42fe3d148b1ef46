/* Sets of keys of one width, for a collector that has to remember every object of a store: raw bytes
 * in open hash tables, 1.4 to 2.8 times the width for each key, in shards that grow one at a time. */

const SHARDS = 64
const FIRST_SLOTS = 16
/** A shard grows when it is so full. */
const FULL = 0.7

export class KeySet {
  readonly #width: number
  readonly #shards: Shard[]

  /** `width`: bytes of a key, of which the last six are spread evenly (a digest, a UUIDv7). */
  constructor(width: number) {
    this.#width = width
    this.#shards = Array.from({ length: SHARDS }, () => new Shard(width))
  }

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0)
  }

  has(key: Buffer): boolean {
    return this.level(key) > 0
  }

  /** 0: it is not there. */
  level(key: Buffer): number {
    return this.#shardOf(key).level(key)
  }

  /** Adds the key (a copy of it) at this level, 1 to 255, unless it is there at one as high. Answers
   * the level it had; 0: it was not there. */
  raise(key: Buffer, level = 1): number {
    return this.#shardOf(key).raise(key, level)
  }

  #shardOf(key: Buffer): Shard {
    return this.#shards[key.readUInt8(this.#width - 5) % SHARDS]!
  }
}

class Shard {
  readonly #width: number
  #table: Buffer
  /** By slot; 0: empty. */
  #levels = new Uint8Array(FIRST_SLOTS)
  size = 0

  constructor(width: number) {
    this.#width = width
    this.#table = Buffer.alloc(FIRST_SLOTS * width)
  }

  level(key: Buffer): number {
    return this.#levels[this.#slotOf(key)]!
  }

  raise(key: Buffer, level: number): number {
    const slot = this.#slotOf(key)
    const before = this.#levels[slot]!
    if (before >= level) return before
    this.#levels[slot] = level
    if (before > 0) return before
    key.copy(this.#table, slot * this.#width, 0, this.#width)
    this.size++
    if (this.size > this.#levels.length * FULL) this.#grow()
    return before
  }

  /** Where the key is, or would be put. */
  #slotOf(key: Buffer): number {
    const mask = this.#levels.length - 1
    let slot = key.readUInt32BE(this.#width - 4) & mask
    while (this.#levels[slot] !== 0 && !this.#isAt(slot, key)) slot = (slot + 1) & mask
    return slot
  }

  #isAt(slot: number, key: Buffer): boolean {
    const at = slot * this.#width
    return this.#table.compare(key, 0, this.#width, at, at + this.#width) === 0
  }

  #grow(): void {
    const [table, levels] = [this.#table, this.#levels]
    this.#table = Buffer.alloc(table.length * 2)
    this.#levels = new Uint8Array(levels.length * 2)
    this.size = 0
    for (const [slot, level] of levels.entries()) {
      if (level === 0) continue
      this.raise(table.subarray(slot * this.#width, (slot + 1) * this.#width), level)
    }
  }
}
