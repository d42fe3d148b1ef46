/* A set of digests that costs 32 to 128 bytes for each: an open hash table in one buffer. Digests
 * are spread evenly already, so their first bytes are the hash. */
import { type Digest, rawOf } from '../../api/digest.ts'

const WIDTH = 32

export class DigestSet {
  #table = Buffer.alloc(64 * WIDTH)
  #used = new Uint8Array(64)
  #size = 0

  get size(): number {
    return this.#size
  }

  has(digest: Digest): boolean {
    return this.#used[this.#slotOf(rawOf(digest))] === 1
  }

  add(digest: Digest): void {
    this.#addRaw(rawOf(digest))
  }

  /** Digests of 32 raw bytes each, one after the other. */
  addPacked(packed: Buffer): void {
    for (let at = 0; at + WIDTH <= packed.length; at += WIDTH) {
      this.#addRaw(packed.subarray(at, at + WIDTH))
    }
  }

  #addRaw(raw: Buffer): void {
    const slot = this.#slotOf(raw)
    if (this.#used[slot] === 1) return
    raw.copy(this.#table, slot * WIDTH)
    this.#used[slot] = 1
    this.#size++
    if (this.#size * 2 > this.#used.length) this.#grow()
  }

  /** Where this digest is or would be put. */
  #slotOf(raw: Buffer): number {
    const mask = this.#used.length - 1
    let slot = raw.readUInt32BE(0) & mask
    while (this.#used[slot] === 1 && !this.#isAt(slot, raw)) slot = (slot + 1) & mask
    return slot
  }

  #isAt(slot: number, raw: Buffer): boolean {
    return raw.compare(this.#table, slot * WIDTH, (slot + 1) * WIDTH) === 0
  }

  #grow(): void {
    const table = this.#table
    const used = this.#used
    this.#table = Buffer.alloc(table.length * 2)
    this.#used = new Uint8Array(used.length * 2)
    this.#size = 0
    for (let slot = 0; slot < used.length; slot++) {
      if (used[slot] === 1) this.#addRaw(table.subarray(slot * WIDTH, (slot + 1) * WIDTH))
    }
  }
}

/** The raw bytes of digests, one after the other. */
export function packed(digests: readonly Digest[]): Buffer {
  return Buffer.concat(digests.map(rawOf))
}
