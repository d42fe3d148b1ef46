/* The gear hash of the chunker, and looking for the places where it says to cut: in plain TypeScript,
 * and the same in WebAssembly, which takes half the time. Where that cannot be had, or must not be
 * used, the plain one cuts at the same places (test/api/chunker.test.ts compares them). */
import { createHash } from 'node:crypto'

/** 256 numbers of 32 bits: the SHA-256 of "kaos chunker 1:0" to "kaos chunker 1:31", in order. */
export const GEAR = gearTable()

function gearTable(): Int32Array {
  const table = new Int32Array(256)
  for (let block = 0; block < 32; block++) {
    const hash = createHash('sha256').update(`kaos chunker 1:${block}`).digest()
    for (let i = 0; i < 8; i++) table[block * 8 + i] = hash.readInt32BE(i * 4)
  }
  return table
}

/** Memory that is looked through. */
export interface Field {
  readonly bytes: Buffer
  /** The first place behind `from` where the hash has no bit of the mask, or 0. `before`: the hash
   * before the byte at `from`. */
  scan(from: number, to: number, mask: number, before: number): number
}

/** Looks through any bytes. */
export function plainField(bytes: Buffer): Field {
  return { bytes, scan: (from, to, mask, before) => scan(bytes, from, to, mask, before) }
}

/** Four bytes a turn: most of the time of a push is spent here. */
function scan(bytes: Uint8Array, from: number, to: number, mask: number, before: number): number {
  const gear = GEAR
  let hash = before
  let at = from
  for (const last = to - 3; at < last; at = (at + 4) | 0) {
    hash = ((hash << 1) + gear[bytes[at]!]!) | 0
    if ((hash & mask) === 0) return at + 1
    hash = ((hash << 1) + gear[bytes[at + 1]!]!) | 0
    if ((hash & mask) === 0) return at + 2
    hash = ((hash << 1) + gear[bytes[at + 2]!]!) | 0
    if ((hash & mask) === 0) return at + 3
    hash = ((hash << 1) + gear[bytes[at + 3]!]!) | 0
    if ((hash & mask) === 0) return at + 4
  }
  for (; at < to; at++) {
    hash = ((hash << 1) + gear[bytes[at]!]!) | 0
    if ((hash & mask) === 0) return at + 1
  }
  return 0
}

/* The function above, word for word, over a memory whose first 1024 bytes are the gear table:
 *
 *   (import "e" "m" (memory 1 16384))
 *   (func (export "scan") (param $at i32) (param $to i32) (param $mask i32) (param $hash i32) (result i32)
 *     (local $last i32)
 *     $last = $to - 3
 *     while ($at < $last): four times (k = 0, 1, 2, 3)
 *         $hash = ($hash << 1) + i32.load((i32.load8_u offset=k $at) << 2)
 *         if (($hash & $mask) == 0) return $at + k + 1
 *       $at = $at + 4
 *     while ($at < $to): the same with k = 0 alone, $at = $at + 1
 *     return 0) */
const WASM =
  'AGFzbQEAAAABCQFgBH9/f38BfwILAQFlAW0CAQGAgAEDAgEABwgBBHNjYW4AAArcAQHZAQEBfyABQQNrIQQCQANA' +
  'IAAgBE4NASADQQF0IAAtAABBAnQoAgBqIgMgAnFFBEAgAEEBag8LIANBAXQgAC0AAUECdCgCAGoiAyACcUUEQCAA' +
  'QQJqDwsgA0EBdCAALQACQQJ0KAIAaiIDIAJxRQRAIABBA2oPCyADQQF0IAAtAANBAnQoAgBqIgMgAnFFBEAgAEEE' +
  'ag8LIABBBGohAAwACwsCQANAIAAgAU4NASADQQF0IAAtAABBAnQoAgBqIgMgAnFFBEAgAEEBag8LIABBAWohAAwA' +
  'CwtBAAs='

const PAGE = 64 * 1024
/** Where the bytes begin: behind the gear table. */
const START = PAGE
type Scan = (at: number, to: number, mask: number, hash: number) => number

/** What is used of it here; the types of the language's library come with those of browsers. */
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object
  Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
  Instance: new (module: object, imports: object) => { readonly exports: { scan: Scan } }
}

let compiled: object | undefined

const SPARE_MAX = 4

/** Fields that nobody uses: each takes a large piece of address space. */
const spare: Field[] = []

/** A field of so many bytes that is looked through fast. Give it back with `lendBack`. */
export function borrowField(length: number): Field {
  const at = spare.findIndex(({ bytes }) => bytes.length === length)
  if (at >= 0) return spare.splice(at, 1)[0]!
  return fastField(length) ?? plainField(Buffer.allocUnsafeSlow(length))
}

export function lendBack(field: Field): void {
  if (spare.length < SPARE_MAX) spare.push(field)
}

/** Undefined where there is no WebAssembly, or no address space for it: it is only slower without. */
function fastField(length: number): Field | undefined {
  try {
    const pages = 1 + Math.ceil(length / PAGE)
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    compiled ??= new WebAssembly.Module(Buffer.from(WASM, 'base64'))
    const { scan } = new WebAssembly.Instance(compiled, { e: { m: memory } }).exports
    new Int32Array(memory.buffer, 0, GEAR.length).set(GEAR)
    return {
      bytes: Buffer.from(memory.buffer, START, length),
      scan(from, to, mask, before) {
        const found = scan(from + START, to + START, mask, before)
        return found === 0 ? 0 : found - START
      },
    }
  } catch {
    return undefined
  }
}
