/* The files that say what the packs hold. They are written once and never changed; all else (the
 * SQLite catalog) is only a cache of them. No order between them matters: an object is here if some
 * segment lists a copy of it that no mark takes away.
 *
 *   segment  packs/<pack>.idx   "KI1\0" 16 bytes pack, u32 count, count x ( 32 bytes digest, u32
 *                               offset, u32 length ), sorted by digest, 32 bytes SHA-256 of the rest
 *   mark     marks/…            four bytes of its kind, u32 count, count x ( 32 bytes digest, 16 bytes
 *                               pack ), SHA-256; marks.ts says what each kind means
 *
 * A copy is (digest, pack), not a digest alone: what is put again lies in a newer pack, which no
 * older mark names. */
import { hash } from 'node:crypto'

/** Where an object lies in a pack. */
export interface Placed {
  /** The 32 bytes of its digest. */
  readonly raw: Buffer
  readonly offset: number
  readonly length: number
}

export interface Copy {
  readonly raw: Buffer
  /** 32 hex digits. */
  readonly pack: string
}

export type MarkKind = keyof typeof MARKS

const SEGMENT = Buffer.from('KI1\0', 'latin1')
const MARKS = {
  gone: Buffer.from('KG1\0', 'latin1'),
  bad: Buffer.from('KB1\0', 'latin1'),
  dying: Buffer.from('KC1\0', 'latin1'),
  spared: Buffer.from('KS1\0', 'latin1'),
}
const PLACED = 40
const COPY = 48
const CHECKSUM = 32

/** Collects what a pack holds, 40 bytes for each object, and says it as a segment. */
export class SegmentMaker {
  #rows = Buffer.allocUnsafe(64 * PLACED)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** `raws` has the digests of objects one after the other; this is the one at `at`. */
  add(raws: Buffer, at: number, offset: number, length: number): void {
    const to = this.#count * PLACED
    if (to === this.#rows.length) {
      this.#rows = Buffer.concat([this.#rows], this.#rows.length * 2)
    }
    raws.copy(this.#rows, to, at, at + 32)
    this.#rows.writeUInt32BE(offset, to + 32)
    this.#rows.writeUInt32BE(length, to + 36)
    this.#count++
  }

  encode(pack: string): Buffer {
    const bytes = Buffer.allocUnsafe(24 + this.#count * PLACED)
    SEGMENT.copy(bytes)
    bytes.write(pack, 4, 'hex')
    bytes.writeUInt32BE(this.#count, 20)
    let at = 24
    for (const row of this.#sorted()) {
      this.#rows.copy(bytes, at, row * PLACED, (row + 1) * PLACED)
      at += PLACED
    }
    return sealed(bytes)
  }

  /** The rows in the order of their digests. Nearly always the first six bytes decide. */
  #sorted(): Uint32Array {
    const rows = this.#rows
    const heads = Float64Array.from({ length: this.#count }, (_, i) =>
      rows.readUIntBE(i * PLACED, 6),
    )
    const whole = (i: number) => rows.subarray(i * PLACED, i * PLACED + 32)
    return Uint32Array.from(heads.keys()).sort(
      (a, b) => heads[a]! - heads[b]! || Buffer.compare(whole(a), whole(b)),
    )
  }
}

export function encodeSegment(pack: string, objects: readonly Placed[]): Buffer {
  const maker = new SegmentMaker()
  for (const { raw, offset, length } of objects) maker.add(raw, 0, offset, length)
  return maker.encode(pack)
}

/** undefined if these are not the bytes of this pack's segment. */
export function decodeSegment(pack: string, input: Buffer): Placed[] | undefined {
  const bytes = opened(input, SEGMENT)
  if (bytes === undefined || bytes.toString('hex', 4, 20) !== pack) return undefined
  if (bytes.length !== 24 + bytes.readUInt32BE(20) * PLACED) return undefined
  const objects: Placed[] = []
  for (let at = 24; at < bytes.length; at += PLACED) {
    const raw = bytes.subarray(at, at + 32)
    const [offset, length] = [bytes.readUInt32BE(at + 32), bytes.readUInt32BE(at + 36)]
    objects.push({ raw, offset, length })
  }
  return objects
}

export function encodeMark(kind: MarkKind, copies: readonly Copy[]): Buffer {
  const bytes = Buffer.alloc(8 + copies.length * COPY)
  MARKS[kind].copy(bytes)
  bytes.writeUInt32BE(copies.length, 4)
  let at = 8
  for (const { raw, pack } of copies) {
    raw.copy(bytes, at)
    bytes.write(pack, at + 32, 'hex')
    at += COPY
  }
  return sealed(bytes)
}

/** undefined if these are not the bytes of such a mark. */
export function decodeMark(kind: MarkKind, input: Buffer): Copy[] | undefined {
  const bytes = opened(input, MARKS[kind])
  if (bytes === undefined || bytes.length !== 8 + bytes.readUInt32BE(4) * COPY) return undefined
  return copiesIn(bytes)
}

/** What can still be read of a mark that is damaged: a flipped bit leaves all copies but one. */
export function salvageMark(input: Buffer): Copy[] {
  const whole = Math.max(0, Math.floor((input.length - CHECKSUM - 8) / COPY))
  return copiesIn(input.subarray(0, 8 + whole * COPY))
}

function copiesIn(bytes: Buffer): Copy[] {
  const copies: Copy[] = []
  for (let at = 8; at + COPY <= bytes.length; at += COPY) {
    copies.push({ raw: bytes.subarray(at, at + 32), pack: bytes.toString('hex', at + 32, at + 48) })
  }
  return copies
}

export function sealed(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, hash('sha256', bytes, 'buffer')])
}

/** The bytes without their checksum, if that and the magic number are right. */
export function opened(input: Buffer, magic: Buffer): Buffer | undefined {
  if (input.length < 4 + CHECKSUM || !input.subarray(0, 4).equals(magic)) return undefined
  const bytes = input.subarray(0, -CHECKSUM)
  return hash('sha256', bytes, 'buffer').equals(input.subarray(-CHECKSUM)) ? bytes : undefined
}
