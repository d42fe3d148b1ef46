/* Objects on their way, as one run of frames in memory that is used again and again. */
import type { Digest } from '../digest.ts'
import { CHUNK_MAX } from '../tree.ts'
import { frameHeader, HAVE_MAX } from './protocol.ts'

/** Bytes of a batch: large enough that a synced write is worth it. */
export const BATCH = 8 * 1024 * 1024

const FIRST = 64 * 1024
const GROWTH = 16

export class Batch {
  #digests: Digest[] = []
  #ends: number[] = []
  /** So many objects, from the first, are known to be missing on the other side. */
  #missing = 0
  #bytes = Buffer.alloc(0)
  #length = 0

  get isEmpty(): boolean {
    return this.#digests.length === 0
  }

  /** Whether it is worth being sent, or must be: what was missing of it is half of what it can take. */
  get isHeavy(): boolean {
    return this.#length >= BATCH / 2 || this.#digests.length >= HAVE_MAX / 2
  }

  get digests(): readonly Digest[] {
    return this.#digests
  }

  get objectBytes(): number {
    return this.#length - this.#digests.length * 4
  }

  /** An empty batch takes anything, so that no object is too large for any. */
  takes(size: number): boolean {
    if (this.#digests.length === 0) return true
    return this.#length + size < BATCH && this.#digests.length < HAVE_MAX
  }

  /** Takes a copy. */
  add(digest: Digest, object: Uint8Array): void {
    const end = this.#length + 4 + object.length
    if (end > this.#bytes.length) this.#grow(end)
    this.#bytes.set(frameHeader(object.length), this.#length)
    this.#bytes.set(object, this.#length + 4)
    this.#digests.push(digest)
    this.#ends.push(end)
    this.#length = end
  }

  /** Takes over what another holds, after its own; false if it is too much. */
  join(other: Batch): boolean {
    if (this.#length + other.#length > BATCH) return false
    if (this.#digests.length + other.#digests.length > HAVE_MAX) return false
    for (let i = 0; i < other.#digests.length; i++) this.add(other.#digests[i]!, other.#object(i))
    other.clear()
    return true
  }

  /** The digests that the other side was not asked for yet. */
  unasked(): Digest[] {
    return this.#digests.slice(this.#missing)
  }

  /** Lets go of those of the unasked that are there; answers their digests. */
  drop(here: readonly boolean[]): Digest[] {
    const dropped: Digest[] = []
    const first = this.#missing
    let kept = first
    let to = this.#ends[first - 1] ?? 0
    let from = to
    for (let i = first; i < this.#digests.length; i++) {
      const end = this.#ends[i]!
      if (here[i - first]) {
        dropped.push(this.#digests[i]!)
      } else {
        if (to !== from) this.#bytes.copyWithin(to, from, end)
        to += end - from
        this.#digests[kept] = this.#digests[i]!
        this.#ends[kept++] = to
      }
      from = end
    }
    this.#digests.length = kept
    this.#ends.length = kept
    this.#missing = kept
    this.#length = to
    return dropped
  }

  frames(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#digests = []
    this.#ends = []
    this.#missing = 0
    this.#length = 0
    // What one huge object needed is given back.
    if (this.#bytes.length > BATCH + CHUNK_MAX) this.#bytes = Buffer.alloc(0)
  }

  #object(i: number): Buffer {
    return this.#bytes.subarray((this.#ends[i - 1] ?? 0) + 4, this.#ends[i])
  }

  /** Little for a log or a small model; soon all of a batch at once, since untouched memory costs nothing
   * but the collections that its size calls for. */
  #grow(length: number): void {
    const more = Math.max(FIRST, this.#bytes.length * GROWTH)
    const wider = Buffer.allocUnsafeSlow(Math.max(length, Math.min(more, BATCH + CHUNK_MAX)))
    this.#bytes.copy(wider, 0, 0, this.#length)
    this.#bytes = wider
  }
}
