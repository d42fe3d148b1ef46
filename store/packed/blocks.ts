/* Blocks: buffers in which the objects of a put are collected as they stand in a pack, each behind
 * its length. A full block goes on as a whole: its objects are hashed, those that are here already
 * are taken out, the rest is written. Its memory is lent to the hashing thread and comes back. */

/** Of a block: larger objects do not go through one. */
export const BLOCK = 1024 * 1024
/** Many small objects close a block as well, so that none takes long. */
const COUNT = 2048
const RAW = 32
/** The length before each object, u32, big-endian. */
export const HEADER = 4
/** Blocks at once. Who needs another waits, but never for long: those who have them all may be
 * clients that stand still, and a block costs no more memory than was put into it. */
const BLOCKS_MAX = 24
const WAIT_MS = 1000
/** Blocks that are kept although nobody uses them. */
const IDLE_MAX = 8

export class Block {
  #memory = new ArrayBuffer(BLOCK + COUNT * RAW)
  /** Lengths and objects, one after the other. */
  bytes = Buffer.from(this.#memory, 0, BLOCK)
  /** The digests of the objects, one after the other, once they are hashed. */
  raws = Buffer.from(this.#memory, BLOCK)
  filled = 0
  count = 0

  /** While it is lent to a thread it cannot be used. */
  get memory(): ArrayBuffer {
    return this.#memory
  }

  /** What a thread gives back. */
  set memory(memory: ArrayBuffer) {
    this.#memory = memory
    this.bytes = Buffer.from(memory, 0, BLOCK)
    this.raws = Buffer.from(memory, BLOCK)
  }

  fits(length: number): boolean {
    return this.filled + HEADER + length <= BLOCK && this.count < COUNT
  }

  add(object: Uint8Array): void {
    this.bytes.writeUInt32BE(object.length, this.filled)
    this.bytes.set(object, this.filled + HEADER)
    this.filled += HEADER + object.length
    this.count++
  }

  /** Where each object begins, and its length. */
  *objects(): Generator<{ offset: number; length: number }, void, undefined> {
    let at = 0
    for (let i = 0; i < this.count; i++) {
      const length = this.bytes.readUInt32BE(at)
      yield { offset: at + HEADER, length }
      at += HEADER + length
    }
  }

  /** Takes out the objects that `keep` does not want. */
  sift(keep: (index: number) => boolean): void {
    let [from, to, kept] = [0, 0, 0]
    for (let i = 0; i < this.count; i++) {
      const length = HEADER + this.bytes.readUInt32BE(from)
      if (keep(i)) {
        if (from !== to) {
          this.bytes.copyWithin(to, from, from + length)
          this.raws.copyWithin(kept * RAW, i * RAW, (i + 1) * RAW)
        }
        to += length
        kept++
      }
      from += length
    }
    this.filled = to
    this.count = kept
  }

  /** With new memory, for what was lost with a thread. */
  renew(): void {
    this.memory = new ArrayBuffer(BLOCK + COUNT * RAW)
    this.clear()
  }

  clear(): void {
    this.filled = 0
    this.count = 0
  }
}

/** Bounds the memory of all puts together. */
export class BlockPool {
  readonly #idle: Block[] = []
  readonly #waiting = new Set<(block: Block) => void>()
  #made = 0

  async take(): Promise<Block> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#made < BLOCKS_MAX) {
      this.#made++
      return new Block()
    }
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        this.#waiting.delete(served)
        this.#made++
        resolve(new Block())
      }, WAIT_MS)
      const served = (block: Block) => {
        clearTimeout(timer)
        resolve(block)
      }
      this.#waiting.add(served)
    })
  }

  give(block: Block): void {
    block.clear()
    const [next] = this.#waiting
    if (next !== undefined) {
      this.#waiting.delete(next)
      next(block)
    } else if (this.#idle.length < IDLE_MAX) {
      this.#idle.push(block)
    } else {
      this.#made--
    }
  }
}
