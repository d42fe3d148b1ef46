/* Sets and maps of digests that cost 41 to 164 bytes for each: open hash tables in a few buffers.
 * Digests are spread evenly already, so their first bytes are the hash. */
import { type Digest, rawOf } from './digest.ts'

const WIDTH = 32

/** A number for each digest. */
export class DigestMap {
  #table = Buffer.alloc(64 * WIDTH)
  #used = new Uint8Array(64)
  #values = new Float64Array(64)
  #size = 0

  get size(): number {
    return this.#size
  }

  has(digest: Digest): boolean {
    return this.hasRaw(rawOf(digest))
  }

  /** Of 32 raw bytes. */
  hasRaw(raw: Buffer): boolean {
    return this.#used[this.#slotOf(raw)] === 1
  }

  get(digest: Digest): number | undefined {
    const slot = this.#slotOf(rawOf(digest))
    return this.#used[slot] === 1 ? this.#values[slot] : undefined
  }

  set(digest: Digest, value: number): void {
    this.setRaw(rawOf(digest), value)
  }

  /** Of 32 raw bytes. */
  setRaw(raw: Buffer, value: number): void {
    const slot = this.#slotOf(raw)
    this.#values[slot] = value
    if (this.#used[slot] === 1) return
    raw.copy(this.#table, slot * WIDTH)
    this.#used[slot] = 1
    this.#size++
    if (this.#size * 2 > this.#used.length) this.#grow()
  }

  /** Takes over all of another. */
  addAll(other: DigestMap): void {
    other.#each((raw, value) => this.setRaw(raw, value))
  }

  #each(visit: (raw: Buffer, value: number) => void): void {
    const [table, used, values] = [this.#table, this.#used, this.#values]
    for (let slot = 0; slot < used.length; slot++) {
      if (used[slot] === 1) visit(table.subarray(slot * WIDTH, (slot + 1) * WIDTH), values[slot]!)
    }
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
    const wider = new DigestMap()
    const slots = this.#used.length * 2
    wider.#table = Buffer.alloc(slots * WIDTH)
    wider.#used = new Uint8Array(slots)
    wider.#values = new Float64Array(slots)
    this.#each((raw, value) => wider.setRaw(raw, value))
    this.#table = wider.#table
    this.#used = wider.#used
    this.#values = wider.#values
  }
}

export class DigestSet extends DigestMap {
  add(digest: Digest): void {
    this.set(digest, 0)
  }

  /** Digests of 32 raw bytes each, one after the other. */
  addPacked(packed: Buffer): void {
    for (let at = 0; at + WIDTH <= packed.length; at += WIDTH) {
      this.setRaw(packed.subarray(at, at + WIDTH), 0)
    }
  }
}

/** The raw bytes of digests, one after the other. */
export function packed(digests: readonly Digest[]): Buffer {
  return Buffer.concat(digests.map(rawOf))
}
