/* Reading a tar (POSIX ustar with pax paths), member by member, as it comes. Only files and folders:
 * everything else is refused, and nothing is ever written to disk. */
import { KaosError } from '../errors.ts'

export interface TarMember {
  /** As it stands in the archive. */
  readonly name: string
  readonly size: number
  readonly executable: boolean
  /** To be read before the next member. */
  bytes(): AsyncGenerator<Uint8Array, void, undefined>
}

const BLOCK = 512
const PAX_MAX = 64 * 1024

export async function* tarMembers(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<TarMember, void, undefined> {
  const bytes = new Taking(source)
  let pax: { path?: string; size?: number } = {}
  for (;;) {
    const head = await bytes.take(BLOCK)
    // Zeros are the end.
    if (head.every(byte => byte === 0)) return
    requireHead(head)
    const size = pax.size ?? octal(head, 124, 12)
    const type = String.fromCharCode(head[156] ?? 0)
    if (type === 'x') {
      if (size > PAX_MAX) throw broken()
      pax = paxIn(await bytes.take(size))
      await bytes.take(paddingOf(size))
      continue
    }
    const name = pax.path ?? nameIn(head)
    pax = {}
    if (type === '5') continue
    if (type !== '0' && type !== '\0') throw broken(`it holds ${name}, which is no file`)
    let left = size
    const read = async function* () {
      while (left > 0) {
        const some = await bytes.some(left)
        left -= some.length
        yield some
      }
    }
    yield { name, size, executable: (octal(head, 100, 8) & 0o100) !== 0, bytes: read }
    for await (const _ of read());
    await bytes.take(paddingOf(size))
  }
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function requireHead(head: Buffer): void {
  const said = octal(head, 148, 8)
  const sum = head.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0)
  if (head.toString('latin1', 257, 262) !== 'ustar' || said !== sum) throw broken()
}

function octal(head: Buffer, at: number, length: number): number {
  const text = head.toString('latin1', at, at + length).replace(/[\0 ]+$/, '')
  if (!/^[0-7]{1,12}$/.test(text)) throw broken()
  return Number.parseInt(text, 8)
}

function nameIn(head: Buffer): string {
  const text = (at: number, length: number) => {
    const field = head.subarray(at, at + length)
    const end = field.indexOf(0)
    return field.toString('utf8', 0, end < 0 ? length : end)
  }
  const prefix = text(345, 155)
  return prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`
}

/** `<length> <key>=<value>\n` */
function paxIn(bytes: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {}
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at)
    const length = Number(bytes.toString('latin1', at, space))
    if (space < 0 || !Number.isSafeInteger(length) || length < 5) throw broken()
    const [key = '', ...rest] = bytes.toString('utf8', space + 1, at + length - 1).split('=')
    const value = rest.join('=')
    if (key === 'path') found.path = value
    if (key === 'size') found.size = Number(value)
    at += length
  }
  if (found.size !== undefined && !Number.isSafeInteger(found.size)) throw broken()
  return found
}

/** Takes exact numbers of bytes from what comes. */
class Taking {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** At most so many, one at least. */
  async some(most: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next()
      if (done) throw broken('it ends too early')
      this.#rest = value
    }
    const part = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(part.length)
    return part
  }

  async take(count: number): Promise<Buffer> {
    const parts: Uint8Array[] = []
    for (let left = count; left > 0; ) {
      const part = await this.some(left)
      parts.push(part)
      left -= part.length
    }
    return Buffer.concat(parts, count)
  }
}

function broken(why = 'it is no tar archive, or was changed'): KaosError {
  return new KaosError('EVIDENCE_INVALID', `the evidence file cannot be read: ${why}`)
}
