/* Trees, version 1: a folder by content. No times, no owners, no order of its own.
 *
 * A file is a list of chunks; its digest is that of the list's encoding. A folder is a sorted list of
 * names, each a file (with or without the executable bit) or another folder; its digest is that of
 * the encoding. Equal folders are one object. Both encodings are frozen: change means a version 2.
 *
 *   file list  "KF1\0"  u32 count  count x ( 32 bytes chunk digest, u32 length )
 *   tree       "KT1\0"  u32 count  count x ( u8 kind, u64 size, 32 bytes digest, u16 n, n bytes name )
 *
 * Numbers are big-endian. kind: 1 file, 2 executable file, 3 folder. size: bytes of the file, or of
 * all files below the folder. Names are UTF-8, sorted by their bytes, unique, 1-255 bytes, never
 * "." or "..", without "/" and NUL. Chunk lengths are 1 to CHUNK_MAX; an empty file has no chunk.
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
}

const FILE_MAGIC = Buffer.from('KF1\0', 'latin1')
const TREE_MAGIC = Buffer.from('KT1\0', 'latin1')
const KINDS = ['file', 'executable', 'folder'] as const

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

export function encodeTree(entries: readonly Entry[]): Buffer {
  const named = entries.map(entry => ({ entry, raw: Buffer.from(entry.name, 'utf8') }))
  named.sort((a, b) => Buffer.compare(a.raw, b.raw))
  const bytes = Buffer.alloc(8 + named.reduce((sum, one) => sum + 43 + one.raw.length, 0))
  TREE_MAGIC.copy(bytes)
  bytes.writeUInt32BE(named.length, 4)
  let at = 8
  for (const { entry, raw } of named) {
    bytes.writeUInt8(KINDS.indexOf(entry.kind) + 1, at)
    bytes.writeBigUInt64BE(BigInt(entry.size), at + 1)
    rawOf(entry.digest).copy(bytes, at + 9)
    bytes.writeUInt16BE(raw.length, at + 41)
    raw.copy(bytes, at + 43)
    at += 43 + raw.length
  }
  return bytes
}

export function decodeTree(input: Uint8Array): Entry[] {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  if (bytes.length < 8 || !bytes.subarray(0, 4).equals(TREE_MAGIC)) throw broken('tree')
  const count = bytes.readUInt32BE(4)
  const entries: Entry[] = []
  let at = 8
  let last: Buffer | undefined
  for (let i = 0; i < count; i++) {
    if (at + 43 > bytes.length) throw broken('tree')
    const kind = KINDS[bytes.readUInt8(at) - 1]
    const size = Number(bytes.readBigUInt64BE(at + 1))
    const end = at + 43 + bytes.readUInt16BE(at + 41)
    if (kind === undefined || !Number.isSafeInteger(size) || end > bytes.length)
      throw broken('tree')
    const raw = bytes.subarray(at + 43, end)
    if (last !== undefined && Buffer.compare(last, raw) >= 0) throw broken('tree')
    const name = raw.toString('utf8')
    if (!isEntryName(name) || Buffer.from(name, 'utf8').compare(raw) !== 0) throw broken('tree')
    entries.push({ name, kind, size, digest: digestFromRaw(bytes.subarray(at + 9, at + 41)) })
    last = raw
    at = end
  }
  if (at !== bytes.length) throw broken('tree')
  return entries
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
  return new KaosError('BAD_REQUEST', `the bytes are not a valid ${what}, version 1`)
}
