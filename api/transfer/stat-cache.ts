/* The stat cache: what a folder's files were when they were last read, so that those that look the
 * same need not be read again. One file for one pushed folder, and only a cache: whatever is wrong
 * with it, it is as if it were not there.
 *
 *   cache file  "KSC2"  blocks (folder-memo.ts), lists of large files  index  trailer
 *   index       for each folder (of a list: NUL and the digest) u64 offset, u32 length, u32 sum of its block, u32 n, n bytes path
 *   trailer     u64 offset, u32 length, u32 sum of the index, "KSC2"
 *
 * Only the index is held in memory; a folder's block is read when the folder is. */
import { hash, randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Digest } from '../digest.ts'
import { FolderMemo } from './folder-memo.ts'

const MAGIC = Buffer.from('KSC2', 'latin1')
const TRAILER = 20
/** A block or an index over this is not one of ours. */
const PART_MAX = 256 * 1024 * 1024

interface Place {
  readonly offset: number
  readonly length: number
  readonly sum: number
}

export class StatCache {
  readonly #file: string
  readonly #index = new Map<string, Place>()
  #fd: number | undefined
  readonly #lists = new Set<string>()
  #next: CacheWriter | undefined
  #failed = false

  /** What is known of a folder that was pushed. `fresh`: nothing, whatever the file says. */
  constructor(file: string, fresh = false) {
    this.#file = file
    if (!fresh) this.#open()
  }

  get isEmpty(): boolean {
    return this.#index.size === 0
  }

  /** The folder at this path, as it was. */
  folder(path: string): FolderMemo | undefined {
    const block = this.#blockAt(path)
    try {
      return block && new FolderMemo(block)
    } catch {
      return undefined
    }
  }

  /** The list of a large file, if it was noted. It is kept as long as it is asked for. */
  list(file: Digest): Buffer | undefined {
    return this.#blockAt(this.keepList(file))
  }

  noteList(file: Digest, encoded: Buffer): void {
    this.note(this.keepList(file), encoded)
  }

  /** The list of this file, if there is one, is still of use. Answers a path that no folder has. */
  keepList(file: Digest): string {
    const key = `\0${file}`
    this.#lists.add(key)
    return key
  }

  /** Remembers a folder as it is now. */
  note(path: string, block: Buffer): void {
    this.#trying(() => {
      this.#next ??= new CacheWriter(this.#file)
      this.#next.add(path, block)
    })
  }

  /** Writes the cache anew, if anything was noted: that, and of the folders that are still there
   * (`kept`) what was known before. */
  commit(kept: (path: string) => boolean): void {
    const next = this.#next
    if (next === undefined) return
    this.#trying(() => {
      for (const path of this.#index.keys()) {
        const stays = this.#lists.has(path) || kept(path)
        const block = stays && !next.has(path) ? this.#blockAt(path) : undefined
        if (block !== undefined) next.add(path, block)
      }
      next.finish()
      this.#next = undefined
    })
  }

  /** Lets go of its files; what was not committed is gone. */
  close(): void {
    this.#next?.discard()
    this.#next = undefined
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#index.clear()
  }

  /** A folder is pushed whether or not it can be remembered. */
  #trying(write: () => void): void {
    if (this.#failed) return
    try {
      write()
    } catch {
      this.#failed = true
      this.#next?.discard()
      this.#next = undefined
    }
  }

  #open(): void {
    try {
      this.#fd = openSync(this.#file, 'r')
      const { size } = fstatSync(this.#fd)
      const trailer = this.#read(size - TRAILER, TRAILER)
      if (!trailer.subarray(16).equals(MAGIC)) return
      const offset = Number(trailer.readBigUInt64BE(0))
      const length = trailer.readUInt32BE(8)
      const index = this.#read(offset, length)
      if (sumOf(index) === trailer.readUInt32BE(12)) this.#readIndex(index)
    } catch {
      this.#index.clear()
    }
  }

  #readIndex(index: Buffer): void {
    for (let at = 0; at < index.length; ) {
      const end = at + 20 + index.readUInt32BE(at + 16)
      this.#index.set(index.toString('utf8', at + 20, end), {
        offset: Number(index.readBigUInt64BE(at)),
        length: index.readUInt32BE(at + 8),
        sum: index.readUInt32BE(at + 12),
      })
      at = end
    }
  }

  #blockAt(path: string): Buffer | undefined {
    const place = this.#index.get(path)
    if (place === undefined) return undefined
    try {
      const block = this.#read(place.offset, place.length)
      return sumOf(block) === place.sum ? block : undefined
    } catch {
      return undefined
    }
  }

  #read(offset: number, length: number): Buffer {
    if (length > PART_MAX) throw new RangeError('no part of a cache is so large')
    const bytes = Buffer.allocUnsafe(length)
    if (readSync(this.#fd!, bytes, 0, length, offset) !== length) throw new RangeError('cut short')
    return bytes
  }
}

/** The next cache file, beside the present one until it takes its place. */
class CacheWriter {
  readonly #file: string
  readonly #temporary: string
  readonly #fd: number
  readonly #index = new Map<string, Place>()
  #offset = 0
  #closed = false

  constructor(file: string) {
    this.#file = file
    this.#temporary = `${file}.${randomBytes(4).toString('hex')}`
    mkdirSync(dirname(file), { recursive: true })
    this.#fd = openSync(this.#temporary, 'wx', 0o600)
    this.#write(MAGIC)
  }

  has(path: string): boolean {
    return this.#index.has(path)
  }

  add(path: string, block: Buffer): void {
    const place = { offset: this.#offset, length: block.length, sum: sumOf(block) }
    this.#write(block)
    this.#index.set(path, place)
  }

  finish(): void {
    const index = Buffer.concat(Array.from(this.#index, ([path, place]) => indexRow(path, place)))
    const trailer = Buffer.alloc(TRAILER)
    trailer.writeBigUInt64BE(BigInt(this.#offset), 0)
    trailer.writeUInt32BE(index.length, 8)
    trailer.writeUInt32BE(sumOf(index), 12)
    MAGIC.copy(trailer, 16)
    this.#write(index)
    this.#write(trailer)
    closeSync(this.#fd)
    this.#closed = true
    renameSync(this.#temporary, this.#file)
  }

  discard(): void {
    if (!this.#closed) closeSync(this.#fd)
    this.#closed = true
    rmSync(this.#temporary, { force: true })
  }

  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    this.#offset += bytes.length
  }
}

/** The first four bytes of the SHA-256: no other module need be loaded for it. */
function sumOf(bytes: Buffer): number {
  return hash('sha256', bytes, 'buffer').readUInt32BE()
}

function indexRow(path: string, { offset, length, sum }: Place): Buffer {
  const name = Buffer.from(path, 'utf8')
  const row = Buffer.alloc(20 + name.length)
  row.writeBigUInt64BE(BigInt(offset), 0)
  row.writeUInt32BE(length, 8)
  row.writeUInt32BE(sum, 12)
  row.writeUInt32BE(name.length, 16)
  name.copy(row, 20)
  return row
}
