/* What a head says that somebody sent: ustar and pax, and what older programs and GNU write. */
import { refused } from './refused.ts'

const NAME = [0, 100] as const
const MODE = [100, 108] as const
const SIZE = [124, 136] as const
const CHECKSUM = [148, 156] as const
const TYPE = 156
const MAGIC = [257, 263] as const
const PREFIX = [345, 500] as const

export interface Head {
  readonly type: string
  readonly name: string
  readonly size: number
  readonly executable: boolean
}

/** What extra heads say of the member that follows. */
export interface Extra {
  readonly name?: string
  readonly size?: number
}

/** Refuses what is no head, or a damaged one. */
export function readHead(head: Buffer): Head {
  const stated = numberIn(head, CHECKSUM)
  const [from, to] = CHECKSUM
  const sum = head.reduce((total, byte, at) => total + (at >= from && at < to ? 32 : byte), 0)
  if (sum !== stated) throw refused('a layer is no tar, or its bytes are damaged; push it again')
  return {
    type: String.fromCharCode(head[TYPE]!),
    name: nameIn(head),
    size: numberIn(head, SIZE),
    executable: (numberIn(head, MODE) & 0o100) !== 0,
  }
}

/** The records of a pax head: `<length> <key>=<value>\n`, where the length counts itself. */
export function readRecords(bytes: Buffer): Extra {
  const extra: { name?: string; size?: number } = {}
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at)
    const length = Number(bytes.subarray(at, blank).toString('latin1'))
    const end = at + length
    if (blank < 0 || !Number.isSafeInteger(length) || end > bytes.length || end <= blank) {
      throw refused('the extra records of a tar cannot be read; pack it again')
    }
    const text = bytes.subarray(blank + 1, end - 1).toString('utf8')
    const cut = text.indexOf('=')
    const [key, value] = [text.slice(0, cut), text.slice(cut + 1)]
    if (key === 'path') extra.name = value
    if (key === 'size') extra.size = checked(Number(value))
    if (key.startsWith('GNU.sparse')) throw refused('it holds a sparse file; pack plain files')
    at = end
  }
  return extra
}

function nameIn(head: Buffer): string {
  const name = textIn(head, NAME)
  // Only POSIX knows the prefix; in the place of it GNU has times.
  const prefix = head.toString('latin1', ...MAGIC) === 'ustar\0' ? textIn(head, PREFIX) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function textIn(head: Buffer, [from, to]: readonly [number, number]): string {
  const field = head.subarray(from, to)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? field.length : end).toString('utf8')
}

function numberIn(head: Buffer, [from, to]: readonly [number, number]): number {
  const field = head.subarray(from, to)
  if (field[0]! >= 0x80) return checked(Number(BigInt(`0x${field.toString('hex')}`) & BINARY))
  const text = field.toString('latin1').replace(/[\0 ]+/g, '')
  return checked(text === '' ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN)
}

/** The first bit only says that the number is not in octal digits. */
const BINARY = (1n << 95n) - 1n

function checked(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw refused('a number in the head of a tar cannot be read; pack it again')
}
