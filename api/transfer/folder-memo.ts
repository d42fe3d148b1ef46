/* A folder as it was when it was last read: a block of the stat cache (stat-cache.ts).
 *
 * A file looks the same if size, mtime, ctime (both in nanoseconds), inode and executable bit are the
 * same. That a file is written twice within one tick of the file system's clock would not show, so
 * what was not clearly older than the moment when it was looked at is not kept (git's rule for racy
 * timestamps): it is read again the next time.
 *
 *   block  32 bytes tree digest (zeros: not known), u64 files, u64 bytes (of all below), u32 count,
 *          count x ( u8 kind, u64 size, mtime, ctime, inode, 32 bytes digest, u16 n, n bytes name ),
 *          in the order of names */
import type { BigIntStats } from 'node:fs'
import { type Digest, digestFromRaw, rawOf } from '../digest.ts'
import type { Entry } from '../tree.ts'

const HEAD = 52
const ROW = 67
const ROWS_START = 16 * 1024
const NO_TREE = Buffer.alloc(32)
const KINDS = ['file', 'executable', 'folder'] as const

/** Clocks of file systems tick every 10 ms at the most, those without fractions every 2 s. */
const TICK_NS = 100_000_000n
const COARSE_TICK_NS = 2_000_000_000n
const SECOND_NS = 1_000_000_000n

/** Whether what a file holds could change without a trace in `stats`, which were taken after `atMs`. */
export function isRacy({ mtimeNs, ctimeNs }: BigIntStats, atMs: number): boolean {
  const newest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
  const tick = ctimeNs % SECOND_NS === 0n ? COARSE_TICK_NS : TICK_NS
  return newest + tick >= BigInt(Math.floor(atMs)) * 1_000_000n
}

export function isExecutable(stats: BigIntStats): boolean {
  return (stats.mode & 0o100n) !== 0n
}

/** Of a folder: the tree it made, and what lay in it. */
export interface Whole {
  readonly tree: Digest
  /** Of all files below. */
  readonly files: number
  readonly bytes: number
}

/** A folder as it was. Ask for its children in the order of their names. */
export class FolderMemo {
  readonly #block: Buffer
  readonly whole: Whole | undefined
  readonly count: number
  #at = HEAD

  /** RangeError if the block is not one. */
  constructor(block: Buffer) {
    this.#block = block
    const raw = block.subarray(0, 32)
    const files = Number(block.readBigUInt64BE(32))
    const bytes = Number(block.readBigUInt64BE(40))
    this.whole = raw.equals(NO_TREE) ? undefined : { tree: digestFromRaw(raw), files, bytes }
    this.count = block.readUInt32BE(48)
  }

  /** What the file that was asked for last was before, whether or not it changed. */
  before: Digest | undefined

  /** The file's digest, if the file is as it was. */
  file(name: string, stats: BigIntStats): Digest | undefined {
    const at = this.#find(name)
    this.before = at === undefined || this.#block[at] === 3 ? undefined : this.#digestAt(at)
    if (at === undefined) return undefined
    const block = this.#block
    const same =
      block[at] === (isExecutable(stats) ? 2 : 1) &&
      block.readBigInt64BE(at + 1) === stats.size &&
      block.readBigInt64BE(at + 9) === stats.mtimeNs &&
      block.readBigInt64BE(at + 17) === stats.ctimeNs &&
      block.readBigUInt64BE(at + 25) === BigInt.asUintN(64, stats.ino)
    return same ? this.before : undefined
  }

  /** The tree that a folder in it was, if it was one. */
  folder(name: string): Digest | undefined {
    const at = this.#find(name)
    return at !== undefined && this.#block[at] === 3 ? this.#digestAt(at) : undefined
  }

  #digestAt(at: number): Digest {
    return digestFromRaw(this.#block.subarray(at + 33, at + 65))
  }

  /** Where the row of this name is; goes on from the last one that was asked for. */
  #find(name: string): number | undefined {
    const block = this.#block
    for (let raw: Buffer | undefined; this.#at < block.length; ) {
      const at = this.#at
      const end = at + ROW + block.readUInt16BE(at + 65)
      if (block.toString('utf8', at + ROW, end) === name) {
        this.#at = end
        return at
      }
      raw ??= Buffer.from(name, 'utf8')
      if (raw.compare(block, at + ROW, end) < 0) return undefined
      this.#at = end
    }
    return undefined
  }
}

/** A folder as it is now, child after child in the order of their names. */
export class FolderNotes {
  #block = Buffer.alloc(0)
  #length = HEAD
  #count = 0
  #whole = true

  file(name: string, kind: Entry['kind'], stats: BigIntStats, atMs: number, digest: Digest): void {
    if (isRacy(stats, atMs)) {
      this.#whole = false
      return
    }
    const at = this.#row(name, kind, digest)
    this.#block.writeBigInt64BE(stats.size, at + 1)
    this.#block.writeBigInt64BE(stats.mtimeNs, at + 9)
    this.#block.writeBigInt64BE(stats.ctimeNs, at + 17)
    this.#block.writeBigUInt64BE(BigInt.asUintN(64, stats.ino), at + 25)
  }

  folder(name: string, tree: Digest): void {
    this.#row(name, 'folder', tree)
  }

  finish({ tree, files, bytes }: Whole): Buffer {
    this.#make(0)
    if (this.#whole) rawOf(tree).copy(this.#block)
    else NO_TREE.copy(this.#block)
    this.#block.writeBigUInt64BE(BigInt(files), 32)
    this.#block.writeBigUInt64BE(BigInt(bytes), 40)
    this.#block.writeUInt32BE(this.#count, 48)
    return this.#block.subarray(0, this.#length)
  }

  #row(name: string, kind: Entry['kind'], digest: Digest): number {
    const raw = Buffer.from(name, 'utf8')
    this.#make(ROW + raw.length)
    const at = this.#length
    this.#block.fill(0, at, at + 33)
    this.#block[at] = KINDS.indexOf(kind) + 1
    rawOf(digest).copy(this.#block, at + 33)
    this.#block.writeUInt16BE(raw.length, at + 65)
    raw.copy(this.#block, at + ROW)
    this.#length += ROW + raw.length
    this.#count++
    return at
  }

  #make(room: number): void {
    if (this.#length + room <= this.#block.length) return
    const wider = Buffer.allocUnsafe(Math.max(ROWS_START, (this.#length + room) * 2))
    this.#block.copy(wider, 0, 0, this.#length)
    this.#block = wider
  }
}
