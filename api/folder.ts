/* Making folders: small files are laid into segments, all else is named by its digest.
 *
 * A segment is closed after a file when it has CHUNK_MIN bytes and either leaves no room for another
 * small file (CHUNK_MAX), or the first 32 bits of that file's digest, as a number, are less than
 * 2^32 x size / CHUNK_AVERAGE. So a changed file changes its own segment and seldom another. The rule
 * is frozen with the encoding: equal folders must be cut alike. */
import { hash } from 'node:crypto'
import { type Digest, digestOf, hexOf } from './digest.ts'
import {
  CHUNK_AVERAGE,
  CHUNK_MAX,
  CHUNK_MIN,
  EMPTY_FILE,
  type Entry,
  encodeFile,
  encodeTree,
  isSmall,
  sizeOf,
} from './tree.ts'

/** An object to be stored. */
export interface Made {
  readonly digest: Digest
  readonly bytes: Buffer
}

/** The encoding of a file list with one chunk, filled in for each small file. */
const ONE_CHUNK = encodeFile([{ digest: digestOf(''), length: 1 }])
const ROW = ONE_CHUNK.length - 36

/** The digest of a file of fewer than CHUNK_MIN bytes. Asked for each of very many files, so without
 * anything made on the way. */
export function smallFileDigest(bytes: Uint8Array): Digest {
  if (bytes.length === 0) return EMPTY_FILE
  ONE_CHUNK.write(hash('sha256', bytes, 'hex'), ROW, 'hex')
  ONE_CHUNK.writeUInt32BE(bytes.length, ROW + 32)
  return digestOf(ONE_CHUNK)
}

/** Room for a segment that no folder is using: folders are mostly made one after another. */
let spare: Buffer | undefined

export class FolderMaker {
  /** Lent by whoever makes the folder; segments are then good only until the next file is added. */
  readonly #room: Buffer | undefined
  readonly #entries: Entry[] = []
  #segment: Buffer = Buffer.alloc(0)
  #length = 0
  /** Where the files of the open segment lie. */
  #open: { segment: Digest; offset: number }[] = []

  /** `room`: CHUNK_MAX bytes for segments, which are then not copied. */
  constructor(room?: Buffer) {
    this.#room = room
  }

  /** What was added last. */
  get last(): Entry | undefined {
    return this.#entries.at(-1)
  }

  /** Adds a folder, or a file that has a list in the store: an empty one, or one that is not small. */
  add(entry: Omit<Entry, 'within'>): void {
    const { name, kind, size, digest } = entry
    this.#entries.push({ name, kind, size, digest })
  }

  /** Adds a small file (1 to CHUNK_MIN - 1 bytes), in the order of names (by their UTF-8 bytes) among
   * the small ones. Copies the bytes. Answers a segment when this file completes one. */
  small(name: string, executable: boolean, bytes: Uint8Array): Made | undefined {
    if (!isSmall(bytes.length)) throw new RangeError(`${bytes.length} bytes are no small file`)
    if (this.#segment.length === 0) {
      this.#segment = this.#room ?? spare ?? Buffer.allocUnsafeSlow(CHUNK_MAX)
      if (this.#segment === spare) spare = undefined
    }
    const digest = smallFileDigest(bytes)
    const kind = executable ? 'executable' : 'file'
    this.#segment.set(bytes, this.#length)
    // The segment's digest is known when it is closed.
    const within = { segment: digest, offset: this.#length }
    this.#open.push(within)
    this.#entries.push({ name, kind, size: bytes.length, digest, within })
    this.#length += bytes.length
    return this.#isFull(digest, bytes.length) ? this.#close() : undefined
  }

  /** The last segment, if one is open, and then the tree. INVALID_BUNDLE is the caller's to say when
   * the tree is larger than OBJECT_MAX. */
  finish(): { digest: Digest; size: number; objects: readonly Made[]; entries: readonly Entry[] } {
    const last = this.#length > 0 ? [this.#close()] : []
    if (this.#segment.length > 0 && !this.#room) spare = this.#segment
    this.#segment = Buffer.alloc(0)
    const bytes = encodeTree(this.#entries)
    const digest = digestOf(bytes)
    const objects = [...last, { digest, bytes }]
    return { digest, size: sizeOf(this.#entries), objects, entries: this.#entries }
  }

  #isFull(digest: Digest, size: number): boolean {
    if (this.#length < CHUNK_MIN) return false
    if (this.#length > CHUNK_MAX - CHUNK_MIN) return true
    return Number.parseInt(hexOf(digest).slice(0, 8), 16) < (2 ** 32 * size) / CHUNK_AVERAGE
  }

  #close(): Made {
    const segment = this.#segment.subarray(0, this.#length)
    const bytes = this.#room ? segment : Buffer.from(segment)
    const digest = digestOf(bytes)
    for (const within of this.#open) within.segment = digest
    this.#open = []
    this.#length = 0
    return { digest, bytes }
  }
}
