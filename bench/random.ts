/* Random bytes that are the same on every machine: xoshiro128** seeded by the SHA-256 of a label, so
 * each file of a workload has a sequence of its own and can be made alone. Words lie little-endian, as
 * every machine that Node 24 runs on has them. Not for secrets. */
import { createHash } from 'node:crypto'

export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(label: string) {
    const seed = createHash('sha256').update(label).digest()
    this.#a = seed.readInt32LE(0)
    this.#b = seed.readInt32LE(4)
    this.#c = seed.readInt32LE(8)
    this.#d = seed.readInt32LE(12)
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    this.fill(ONE)
    return ONE_WORD[0]!
  }

  /** 0 to limit - 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit)
  }

  /** Fills the bytes; a call takes whole words, so the same calls bring the same bytes. */
  fill(bytes: Uint8Array): void {
    const whole = bytes.length >>> 2
    if (bytes.byteOffset % 4 === 0) {
      this.#words(new Uint32Array(bytes.buffer, bytes.byteOffset, whole))
    } else {
      const words = new Uint32Array(whole)
      this.#words(words)
      bytes.set(new Uint8Array(words.buffer))
    }
    if (whole * 4 === bytes.length) return
    this.#words(REST)
    bytes.set(new Uint8Array(REST.buffer, 0, bytes.length - whole * 4), whole * 4)
  }

  #words(words: Uint32Array): void {
    let a = this.#a
    let b = this.#b
    let c = this.#c
    let d = this.#d
    for (let i = 0; i < words.length; i++) {
      const five = Math.imul(b, 5)
      words[i] = Math.imul((five << 7) | (five >>> 25), 9)
      const shifted = b << 9
      c ^= a
      d ^= b
      b ^= c
      a ^= d
      c ^= shifted
      d = (d << 11) | (d >>> 21)
    }
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
  }
}

const ONE_WORD = new Uint32Array(1)
const ONE = new Uint8Array(ONE_WORD.buffer)
const REST = new Uint32Array(1)
