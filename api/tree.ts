/* Trees: a folder by content. No times, no owners, no order of its own.
 *
 * A file is a list of chunks; its digest is that of the list's encoding. A folder is a sorted list of
 * names, each a file (with or without the executable bit) or another folder; its digest is that of
 * the encoding. Equal folders are one object. The encodings are frozen: change means another version.
 *
 *   file list  "KF1\0"  u32 count  count x ( 32 bytes chunk digest, u32 length )
 *   tree 1     "KT1\0"  u32 count  count x ( u8 kind, u64 size, 32 bytes digest, u16 n, n bytes name )
 *   tree 2     "KT2\0"  u32 segments  segments x ( 32 bytes digest, u32 length ), then as tree 1
 *
 * Small files (1 to CHUNK_MIN - 1 bytes) have neither list nor chunk of their own in a tree 2: their
 * bytes lie one after another, in the order of their names, in segments that belong to the folder.
 * A small file lies in one segment whole, and nothing else lies there. Its digest is still that of
 * the list it would have, so the same file has the same digest wherever it lies. A folder is a tree 2
 * exactly if it holds a small file; api/folder.ts makes both and says where segments are cut.
 *
 * Numbers are big-endian. kind: 1 file, 2 executable file, 3 folder; in a tree 2 also 4 small file,
 * 5 small executable file. size: bytes of the file, or of all files below the folder. Names are
 * UTF-8, sorted by their bytes, unique, 1-255 bytes, never "." or "..", without "/" and NUL. Lengths
 * of chunks and segments are 1 to CHUNK_MAX; an empty file has no chunk and is never small.
 *
 * Decoders refuse everything else, so one folder has one digest. */
import { type Digest, digestFromRaw, digestOf, rawOf } from './digest.ts'
import { KaosError } from './errors.ts'

/** Content-defined chunks: least, wanted and greatest length in bytes. */
export const CHUNK_MIN = 16 * 1024
export const CHUNK_AVERAGE = 64 * 1024
export const CHUNK_MAX = 256 * 1024
/** No object (chunk, file list, tree) is larger. Bounds a file at about 122 GB. */
export const OBJECT_MAX = 64 * 1024 * 1024

export interface Chunk {
  readonly digest: Digest
  readonly length: number
}

export interface Entry {
  readonly name: string
  readonly kind: 'file' | 'executable' | 'folder'
  /** Bytes of the file, or of all files below the folder. */
  readonly size: number
  readonly digest: Digest
  /** Of a small file: where its bytes lie. It has no list in the store then. */
  readonly within?: Within
}

/** A place in one of the folder's segments. */
export interface Within {
  readonly segment: Digest
  readonly offset: number
}

/** Whether a file of so many bytes lies in its folder's segments. */
export function isSmall(size: number): boolean {
  return size >= 1 && size < CHUNK_MIN
}

const FILE_MAGIC = Buffer.from('KF1\0', 'latin1')
const TREE_MAGIC = Buffer.from('KT1\0', 'latin1')
const SEGMENTED_MAGIC = Buffer.from('KT2\0', 'latin1')
const KINDS = ['file', 'executable', 'folder'] as const
/** Added to the kind of a file that is small. */
const SMALL = 3

export function encodeFile(chunks: readonly Chunk[]): Buffer {
  const bytes = Buffer.alloc(8 + chunks.length * 36)
  FILE_MAGIC.copy(bytes)
  bytes.writeUInt32BE(chunks.length, 4)
  let at = 8
  for (const chunk of chunks) {
    rawOf(chunk.digest).copy(bytes, at)
    bytes.writeUInt32BE(chunk.length, at + 32)
    at += 36
  }
  return bytes
}

export function decodeFile(input: Uint8Array): Chunk[] {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  if (bytes.length < 8 || !bytes.subarray(0, 4).equals(FILE_MAGIC)) throw broken('file list')
  const count = bytes.readUInt32BE(4)
  if (bytes.length !== 8 + count * 36) throw broken('file list')
  const chunks: Chunk[] = []
  for (let at = 8; at < bytes.length; at += 36) {
    const length = bytes.readUInt32BE(at + 32)
    if (length < 1 || length > CHUNK_MAX) throw broken('file list')
    chunks.push({ digest: digestFromRaw(bytes.subarray(at, at + 32)), length })
  }
  return chunks
}

/** The encoding. Whoever makes a folder uses api/folder.ts, which lays out small files. */
export function encodeTree(entries: readonly Entry[]): Buffer {
  const named = entries.map(entry => ({ entry, raw: Buffer.from(entry.name, 'utf8') }))
  named.sort((a, b) => Buffer.compare(a.raw, b.raw))
  const segments = segmentsOf(named.map(one => one.entry))
  const head = segments.length === 0 ? 4 : 8 + segments.length * 36
  const length = named.reduce((sum, one) => sum + 43 + one.raw.length, head + 4)
  const bytes = Buffer.alloc(length)
  if (segments.length === 0) TREE_MAGIC.copy(bytes)
  else writeSegments(bytes, segments)
  bytes.writeUInt32BE(named.length, head)
  let at = head + 4
  for (const { entry, raw } of named) {
    bytes.writeUInt8(KINDS.indexOf(entry.kind) + 1 + (entry.within ? SMALL : 0), at)
    bytes.writeBigUInt64BE(BigInt(entry.size), at + 1)
    rawOf(entry.digest).copy(bytes, at + 9)
    bytes.writeUInt16BE(raw.length, at + 41)
    raw.copy(bytes, at + 43)
    at += 43 + raw.length
  }
  return bytes
}

/** The segments of a folder's entries, which are in the order of their names. */
export function segmentsOf(entries: readonly Entry[]): Chunk[] {
  const segments: { digest: Digest; length: number }[] = []
  for (const { within, size } of entries) {
    if (within === undefined) continue
    const last = segments.at(-1)
    if (within.offset === 0) segments.push({ digest: within.segment, length: size })
    else if (last?.digest === within.segment && last.length === within.offset) last.length += size
    else throw broken('tree')
  }
  return segments
}

export function decodeTree(input: Uint8Array): Entry[] {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  const segmented = bytes.length >= 8 && bytes.subarray(0, 4).equals(SEGMENTED_MAGIC)
  if (!segmented && !(bytes.length >= 8 && bytes.subarray(0, 4).equals(TREE_MAGIC))) {
    throw broken('tree')
  }
  const layout = segmented ? new Layout(bytes) : undefined
  let at = (layout?.end ?? 4) + 4
  const count = bytes.readUInt32BE(at - 4)
  const entries: Entry[] = []
  let last: Buffer | undefined
  for (let i = 0; i < count; i++) {
    if (at + 43 > bytes.length) throw broken('tree')
    const code = bytes.readUInt8(at)
    const small = segmented && code > KINDS.length
    const kind = KINDS[code - 1 - (small ? SMALL : 0)]
    const size = Number(bytes.readBigUInt64BE(at + 1))
    const end = at + 43 + bytes.readUInt16BE(at + 41)
    if (kind === undefined || !Number.isSafeInteger(size) || end > bytes.length)
      throw broken('tree')
    if (segmented && kind !== 'folder' && isSmall(size) !== small) throw broken('tree')
    if (small && kind === 'folder') throw broken('tree')
    const raw = bytes.subarray(at + 43, end)
    if (last !== undefined && Buffer.compare(last, raw) >= 0) throw broken('tree')
    const name = raw.toString('utf8')
    if (!isEntryName(name) || Buffer.from(name, 'utf8').compare(raw) !== 0) throw broken('tree')
    const digest = digestFromRaw(bytes.subarray(at + 9, at + 41))
    const within = small ? layout?.next(size) : undefined
    entries.push({ name, kind, size, digest, ...(within && { within }) })
    last = raw
    at = end
  }
  if (at !== bytes.length || layout?.done === false) throw broken('tree')
  return entries
}

/** Lays small files into the segments that a tree 2 names, in order. */
class Layout {
  readonly #segments: Chunk[] = []
  /** Where the entries begin. */
  readonly end: number
  #segment = 0
  #offset = 0

  constructor(bytes: Buffer) {
    const count = bytes.readUInt32BE(4)
    this.end = 8 + count * 36
    if (count === 0 || bytes.length < this.end + 4) throw broken('tree')
    for (let at = 8; at < this.end; at += 36) {
      const length = bytes.readUInt32BE(at + 32)
      if (length < 1 || length > CHUNK_MAX) throw broken('tree')
      this.#segments.push({ digest: digestFromRaw(bytes.subarray(at, at + 32)), length })
    }
  }

  next(size: number): Within {
    const segment = this.#segments[this.#segment]
    if (segment === undefined || this.#offset + size > segment.length) throw broken('tree')
    const within = { segment: segment.digest, offset: this.#offset }
    this.#offset += size
    if (this.#offset === segment.length) {
      this.#segment++
      this.#offset = 0
    }
    return within
  }

  get done(): boolean {
    return this.#segment === this.#segments.length
  }
}

function writeSegments(bytes: Buffer, segments: readonly Chunk[]): void {
  SEGMENTED_MAGIC.copy(bytes)
  bytes.writeUInt32BE(segments.length, 4)
  let at = 8
  for (const { digest, length } of segments) {
    rawOf(digest).copy(bytes, at)
    bytes.writeUInt32BE(length, at + 32)
    at += 36
  }
}

/** Whether a tree may hold this name. */
export function isEntryName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false
  if (name.includes('/') || name.includes('\0') || !name.isWellFormed()) return false
  return Buffer.byteLength(name, 'utf8') <= 255
}

/** Bytes of all files below. */
export function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.size, 0)
}

/** The tree without entries; the file without bytes. */
export const EMPTY_TREE: Digest = digestOf(encodeTree([]))
export const EMPTY_FILE: Digest = digestOf(encodeFile([]))

function broken(what: string): KaosError {
  return new KaosError('BAD_REQUEST', `the bytes are not a valid ${what} of a version known here`)
}
