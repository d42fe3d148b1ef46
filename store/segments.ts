/* The files that say what the packs hold. They are written once and never changed; all else (the
 * SQLite catalog) is only a cache of them. No order between them matters: an object is here if some
 * segment lists a copy of it that no mark takes away.
 *
 *   segment  packs/<pack>.idx   "KI1\0" 16 bytes pack, u32 count, count x ( 32 bytes digest, u32
 *                               offset, u32 length ), sorted by digest, 32 bytes SHA-256 of the rest
 *   mark     marks/<id>.gone    "KG1\0" u32 count, count x ( 32 bytes digest, 16 bytes pack ), SHA-256:
 *                               these copies were removed
 *            marks/<id>.bad     "KB1\0" the same: these copies were found damaged
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

export type MarkKind = 'gone' | 'bad'

const SEGMENT = Buffer.from('KI1\0', 'latin1')
const MARKS = { gone: Buffer.from('KG1\0', 'latin1'), bad: Buffer.from('KB1\0', 'latin1') }
const PLACED = 40
const COPY = 48

export function encodeSegment(pack: string, objects: readonly Placed[]): Buffer {
  const sorted = objects.toSorted((a, b) => Buffer.compare(a.raw, b.raw))
  const bytes = Buffer.alloc(24 + sorted.length * PLACED)
  SEGMENT.copy(bytes)
  bytes.write(pack, 4, 'hex')
  bytes.writeUInt32BE(sorted.length, 20)
  let at = 24
  for (const { raw, offset, length } of sorted) {
    raw.copy(bytes, at)
    bytes.writeUInt32BE(offset, at + 32)
    bytes.writeUInt32BE(length, at + 36)
    at += PLACED
  }
  return sealed(bytes)
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
  const copies: Copy[] = []
  for (let at = 8; at < bytes.length; at += COPY) {
    copies.push({ raw: bytes.subarray(at, at + 32), pack: bytes.toString('hex', at + 32, at + 48) })
  }
  return copies
}

function sealed(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, hash('sha256', bytes, 'buffer')])
}

/** The bytes without their checksum, if that and the magic number are right. */
function opened(input: Buffer, magic: Buffer): Buffer | undefined {
  if (input.length < 40 || !input.subarray(0, 4).equals(magic)) return undefined
  const bytes = input.subarray(0, -32)
  return hash('sha256', bytes, 'buffer').equals(input.subarray(-32)) ? bytes : undefined
}
