/* File lists (api/tree.ts), built and read piece by piece: the list of a file of 100 GB has more
 * than a million chunks, too many to hold as objects. Same bytes as encodeFile and decodeFile. */
import { type Digest, digestFromRaw, rawOf } from '../digest.ts'
import { KaosError } from '../errors.ts'
import { CHUNK_MAX, type Chunk, decodeFile, encodeFile, OBJECT_MAX } from '../tree.ts'

const HEAD = 8
const ROW = 36

/** A file list that grows chunk by chunk. */
export class FileList {
  #bytes: Buffer = Buffer.concat([encodeFile([]), Buffer.alloc(ROW * 6)])
  #end = HEAD
  /** Bytes of all chunks so far. */
  size = 0

  add(digest: Digest, length: number): void {
    if (this.#end + ROW > OBJECT_MAX) {
      throw new KaosError(
        'TOO_LARGE',
        'a file may have about 1.8 million chunks (122 GB); split it',
      )
    }
    if (this.#end + ROW > this.#bytes.length) this.#grow()
    rawOf(digest).copy(this.#bytes, this.#end)
    this.#bytes.writeUInt32BE(length, this.#end + 32)
    this.#end += ROW
    this.size += length
  }

  /** The encoding, which is then no longer this list's to change. */
  encoded(): Buffer {
    this.#bytes.writeUInt32BE((this.#end - HEAD) / ROW, 4)
    return this.#bytes.subarray(0, this.#end)
  }

  #grow(): void {
    const wider = Buffer.alloc(Math.min(this.#bytes.length * 2, OBJECT_MAX))
    this.#bytes.copy(wider, 0, 0, this.#end)
    this.#bytes = wider
  }
}

/** The chunks of an encoded list, one at a time. BAD_REQUEST where it is not a valid list. */
export function* chunksIn(list: Uint8Array): Generator<Chunk, void, undefined> {
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength)
  checkHead(bytes)
  for (let at = HEAD; at < bytes.length; at += ROW) {
    yield { digest: digestFromRaw(bytes.subarray(at, at + 32)), length: lengthAt(bytes, at) }
  }
}

/** Bytes of the file that this list describes. BAD_REQUEST if it is not a valid list. */
export function sizeIn(list: Uint8Array): number {
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength)
  checkHead(bytes)
  let size = 0
  for (let at = HEAD; at < bytes.length; at += ROW) size += lengthAt(bytes, at)
  return size
}

function lengthAt(bytes: Buffer, row: number): number {
  const length = bytes.readUInt32BE(row + 32)
  if (length < 1 || length > CHUNK_MAX) throw broken()
  return length
}

function checkHead(bytes: Buffer): void {
  decodeFile(Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(4)]))
  if (bytes.length < HEAD || bytes.length !== HEAD + bytes.readUInt32BE(4) * ROW) throw broken()
}

function broken(): KaosError {
  return new KaosError('BAD_REQUEST', 'the bytes are not a valid file list, version 1')
}
