/* The hash of DVC 2: MD5 of a file whose line ends CR LF count as LF, if it looks like text. DVC
 * reads pieces of 1 MiB and looks at the first 512 bytes of each; a CR LF across two pieces stays.
 * (iterative/dvc-data: hashfile/hash.py and hashfile/istextfile.py) */
import { createHash } from 'node:crypto'

const PIECE = 1024 * 1024
const LOOKED_AT = 512
/** More foreign bytes than this share, and it is no text. */
const FOREIGN_MAX = 0.3

const CR = 0x0d
const LF = 0x0a

export class TextHash {
  readonly #hash = createHash('md5')
  readonly #piece = Buffer.allocUnsafe(PIECE)
  #length = 0

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + PIECE - this.#length)
      this.#piece.set(part, this.#length)
      this.#length += part.length
      at += part.length
      if (this.#length === PIECE) this.#end()
    }
  }

  /** 32 hex digits. Nothing can be added afterwards. */
  hex(): string {
    this.#end()
    return this.#hash.digest('hex')
  }

  #end(): void {
    const piece = this.#piece.subarray(0, this.#length)
    this.#length = 0
    this.#hash.update(looksLikeText(piece.subarray(0, LOOKED_AT)) ? withoutCr(piece) : piece)
  }
}

function looksLikeText(block: Buffer): boolean {
  if (block.includes(0)) return false
  const foreign = block.reduce((count, byte) => count + (isTextByte(byte) ? 0 : 1), 0)
  return foreign <= block.length * FOREIGN_MAX
}

function isTextByte(byte: number): boolean {
  // Visible ASCII and the blank; backspace, tab, LF, form feed, CR.
  return (byte >= 32 && byte < 127) || [8, 9, LF, 12, CR].includes(byte)
}

/** The bytes with each CR before an LF left out, in the same memory. */
function withoutCr(piece: Buffer): Buffer {
  let length = 0
  for (let at = 0; at < piece.length; at++) {
    const byte = piece[at]!
    if (byte !== CR || piece[at + 1] !== LF) piece[length++] = byte
  }
  return piece.subarray(0, length)
}
