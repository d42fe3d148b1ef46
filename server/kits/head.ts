/* What stands before a file or folder in a layer: one block, or three and more where the path or the
 * size does not fit into one (POSIX tar: ustar, else pax records). The bytes are those that kit
 * writes, so a tree and the same folder packed by kit are one layer with one digest. */
import type { Entry } from '../../api/tree.ts'

export const BLOCK = 512

/** A file or folder of a layer; `path` is that of the archive, without a slash at either end. */
export interface Member {
  readonly path: string
  readonly kind: Entry['kind']
  /** Bytes that follow; 0 for a folder. */
  readonly size: number
}

const NAME = { at: 0, length: 100 }
const MODE = { at: 100, length: 8 }
const UID = { at: 108, length: 8 }
const GID = { at: 116, length: 8 }
const SIZE = { at: 124, length: 12 }
const MTIME = { at: 136, length: 12 }
const CHECKSUM = { at: 148, length: 8 }
const TYPE = 156
const MAGIC = 257
const DEVICE_MAJOR = { at: 329, length: 8 }
const DEVICE_MINOR = { at: 337, length: 8 }
const PREFIX = { at: 345, length: 155 }

const MODES = { file: 0o644, executable: 0o755, folder: 0o755 } as const
const USER = 1000
/** The greatest size that eleven octal digits can tell. */
const SIZE_MAX = 8 ** 11 - 1

type Field = { readonly at: number; readonly length: number }

/** All blocks up to the content. */
export function headOf(member: Member): Buffer {
  const { path, size } = member
  const split = splitPath(path)
  const records: string[] = []
  if (!isAscii(path) || Buffer.byteLength(path) > NAME.length) records.push(record('path', path))
  if (size > SIZE_MAX) records.push(record('size', String(size)))
  const simple = size <= SIZE_MAX && (records.length === 0 || split !== undefined)
  if (simple) return block(member, split ?? { prefix: '', name: path })
  const extra = Buffer.from(records.join(''))
  const main = block(member, { prefix: '', name: asciiOf(path) })
  return Buffer.concat([extraHead(path, extra.length), extra, padding(extra.length), main])
}

/** Zeros up to the next block. */
export function padding(size: number): Buffer {
  return Buffer.alloc(paddingOf(size))
}

export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function block({ kind, size }: Member, { prefix, name }: { prefix: string; name: string }): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  writeName(bytes, name)
  octal(bytes, MODE, MODES[kind])
  octal(bytes, UID, USER)
  octal(bytes, GID, 0)
  octal(bytes, SIZE, size > SIZE_MAX ? 0 : size)
  octal(bytes, MTIME, 0)
  octal(bytes, DEVICE_MAJOR, 0)
  octal(bytes, DEVICE_MINOR, 0)
  bytes.write(prefix, PREFIX.at, PREFIX.length, 'latin1')
  return sealed(bytes, kind === 'folder' ? '5' : '0')
}

/** The block before pax records. Its name is only for programs that do not know them. */
function extraHead(path: string, size: number): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  const cut = path.lastIndexOf('/') + 1
  const named = `${path.slice(0, cut)}PaxHeaders.0/${path.slice(cut)}`
  const name = asciiOf(named).slice(0, NAME.length).replace(/\/+$/, '')
  bytes.write(name, NAME.at, NAME.length, 'latin1')
  for (const field of [MODE, UID, GID, MTIME]) octal(bytes, field, 0)
  octal(bytes, SIZE, size)
  return sealed(bytes, 'x')
}

function sealed(bytes: Buffer, type: string): Buffer {
  bytes.write(type, TYPE, 'latin1')
  bytes.write('ustar\x0000', MAGIC, 'latin1')
  bytes.fill(' ', CHECKSUM.at, CHECKSUM.at + CHECKSUM.length, 'latin1')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM.at, 'latin1')
  return bytes
}

function octal(bytes: Buffer, { at, length }: Field, value: number): void {
  bytes.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
}

/** A name that is cut off behind a slash would be taken for a folder's. */
function writeName(bytes: Buffer, name: string): void {
  const cut = name.slice(0, NAME.length)
  const shown = name.length > NAME.length && cut.endsWith('/') ? cut.replace(/\/+$/, '') : cut
  bytes.write(shown, NAME.at, NAME.length, 'latin1')
}

/** A path in two: the last slash that leaves room for both parts. */
function splitPath(path: string): { prefix: string; name: string } | undefined {
  if (!isAscii(path) || path.length <= NAME.length) return undefined
  const at = path.slice(0, PREFIX.length + 1).lastIndexOf('/')
  if (at <= 0 || path.length - at - 1 > NAME.length) return undefined
  return { prefix: path.slice(0, at), name: path.slice(at + 1) }
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (rest + String(length).length !== length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

function isAscii(text: string): boolean {
  return /^[\x01-\x7f]*$/.test(text)
}

function asciiOf(text: string): string {
  return text.replace(/[^\x01-\x7f]/g, '')
}
