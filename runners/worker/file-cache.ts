/* Files by content on this host's disk, for trees that share them: `<folder>/<2 digits>/<hex>`, with an
 * `x` behind those that may be executed. Nobody writes into one once it has its name.
 *
 * A file's name and its time are given to it last: all have the same time, far in the past, so
 * whatever writes into one or only half makes one shows. Such a file is in doubt: it is read again,
 * and is sound or goes. After another boot all are in doubt, because files are not synced. */
import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
  writeSync,
} from 'node:fs'
import { chmod, type FileHandle, open, readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, hexOf } from '../../api/digest.ts'
import { isDiskFull } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { chunks } from '../../api/transfer/chunker.ts'
import { FileList } from '../../api/transfer/list.ts'
import { codeOf } from '../../api/transfer/walk.ts'

/** What an entry says of a file. */
export interface Wanted {
  readonly digest: Digest
  readonly size: number
  readonly executable: boolean
}

export interface CachedFile {
  readonly path: string
  readonly size: number
  /** How many trees have it. */
  readonly trees: number
  /** When a tree got it or lost it last. */
  readonly changedMs: number
  readonly inode: number
}

/** Of every file here and in trees: 2000-01-01. Tools that look at times see no difference then. */
export const TIME_MS = Date.UTC(2000, 0, 1)
export const TIME_S = TIME_MS / 1000
const PIECE = 1024 * 1024
const DRAWERS = 256
const INCOMING = 'incoming'

export class FileCache {
  readonly #folder: string
  /** Bytes added since somebody looked. */
  added = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Makes the folders; removes what a crash left half done. */
  async open(): Promise<void> {
    await rm(join(this.#folder, INCOMING), { recursive: true, force: true })
    mkdirSync(join(this.#folder, INCOMING), { recursive: true })
    for (let at = 0; at < DRAWERS; at++) mkdirSync(this.#drawer(at), { recursive: true })
  }

  /** Whether it is here and nobody wrote into it; asked first, of many at once. */
  hasUntouched({ digest, size, executable }: Wanted): boolean {
    const stats = lstatSync(this.#path(digest, executable), { throwIfNoEntry: false })
    return stats !== undefined && stats.size === size && isUntouched(stats)
  }

  /** Whether it is here and sound. */
  async has({ digest, size, executable }: Wanted): Promise<boolean> {
    const path = this.#path(digest, executable)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return false
    if (stats.size === size && isUntouched(stats)) return true
    return (await this.#isSound(path, stats, digest)) && stats.size === size
  }

  /** Keeps a file of a few bytes, at once and without leaving the thread. */
  small(wanted: Wanted, bytes: Uint8Array): void {
    const temporary = join(this.#folder, INCOMING, newId())
    try {
      const fd = openSync(temporary, 'wx', 0o600)
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
        finish(fd, wanted.executable)
      } finally {
        closeSync(fd)
      }
      this.#name(temporary, wanted)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw failure(error)
    }
    this.added += bytes.length
  }

  /** Keeps a file of any size; a piece is used until the one after the next is asked for. */
  async large(wanted: Wanted, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const temporary = join(this.#folder, INCOMING, newId())
    try {
      const handle = await open(temporary, 'wx', 0o600)
      try {
        this.added += await writeAll(handle, pieces)
        finish(handle.fd, wanted.executable)
      } finally {
        await handle.close()
      }
      this.#name(temporary, wanted)
    } catch (error) {
      await rm(temporary, { force: true })
      throw failure(error)
    }
  }

  /** Whether it is here now, made from the same file with the other right to be executed. */
  async hasTwin(wanted: Wanted): Promise<boolean> {
    const { digest, executable } = wanted
    if (!(await this.has({ ...wanted, executable: !executable }))) return false
    const handle = await open(this.#path(digest, !executable))
    try {
      await this.large(wanted, handle.createReadStream({ autoClose: false }))
    } finally {
      await handle.close()
    }
    return true
  }

  /** Puts the file at `target`, where nothing is: as a link to it, or as a copy (one that shares its
   * blocks where the file system can) for programs that could write into it. */
  lay({ digest, size, executable }: Wanted, target: string, as: 'link' | 'copy'): void {
    const path = this.#path(digest, executable)
    try {
      if (as === 'link') {
        linkSync(path, target)
        return
      }
    } catch (error) {
      // So many links as a file can have: this tree gets one of its own.
      if (codeOf(error) !== 'EMLINK') throw failure(error)
    }
    try {
      copyFileSync(path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      utimesSync(target, TIME_S, TIME_S)
    } catch (error) {
      throw failure(error)
    }
    this.added += size
  }

  /** All that is here. */
  async *files(): AsyncGenerator<CachedFile, void, undefined> {
    for (let at = 0; at < DRAWERS; at++) {
      for (const name of await readdir(this.#drawer(at))) {
        const path = join(this.#drawer(at), name)
        const { size, nlink, ctimeMs, ino } = lstatSync(path)
        yield { path, size, trees: nlink - 1, changedMs: ctimeMs, inode: ino }
      }
    }
  }

  /** Nothing here is known to be sound any more. */
  async doubtAll(): Promise<void> {
    for await (const { path } of this.files()) await utimes(path, 0, 0)
  }

  /** Reads a file that is in doubt. One that is not sound goes; trees that have it keep it. */
  async #isSound(path: string, stats: Stats, digest: Digest): Promise<boolean> {
    if (stats.isFile() && (await digestOfFile(path)) === digest) {
      await chmod(path, modeOf(path.endsWith('x')))
      await utimes(path, TIME_S, TIME_S)
      return true
    }
    await rm(path, { recursive: true, force: true })
    return false
  }

  /** Another tree may have brought the same file meanwhile: then that one stays, with its links. */
  #name(temporary: string, wanted: Wanted): void {
    if (this.hasUntouched(wanted)) rmSync(temporary)
    else renameSync(temporary, this.#path(wanted.digest, wanted.executable))
  }

  #path(digest: Digest, executable: boolean): string {
    const hex = hexOf(digest)
    return `${this.#folder}/${hex.slice(0, 2)}/${hex}${executable ? 'x' : ''}`
  }

  #drawer(at: number): string {
    return join(this.#folder, at.toString(16).padStart(2, '0'))
  }
}

/** Whether nobody has written into a file of the cache, or of a tree, since it was made. */
export function isUntouched(stats: Stats): boolean {
  return stats.isFile() && stats.mtimeMs === TIME_MS && (stats.mode & 0o222) === 0
}

/** Answers how many bytes there were. While one piece is written the next is fetched. */
async function writeAll(handle: FileHandle, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let [bytes, writing] = [0, Promise.resolve()]
  try {
    for await (const piece of pieces) {
      await writing
      writing = handle.writeFile(piece)
      // Waited for above or below; a failure in between must not count as unhandled.
      writing.catch(() => undefined)
      bytes += piece.length
    }
  } finally {
    await writing
  }
  return bytes
}

function modeOf(executable: boolean): number {
  return executable ? 0o555 : 0o444
}

function finish(fd: number, executable: boolean): void {
  fchmodSync(fd, modeOf(executable))
  futimesSync(fd, TIME_S, TIME_S)
}

async function digestOfFile(path: string): Promise<Digest> {
  const list = new FileList()
  const handle = await open(path)
  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    const memory = Buffer.allocUnsafe(PIECE)
    for (;;) {
      const { bytesRead } = await handle.read(memory, 0, PIECE, null)
      if (bytesRead === 0) return
      yield memory.subarray(0, bytesRead)
    }
  }
  try {
    for await (const chunk of chunks(content())) list.add(digestOf(chunk), chunk.length)
    return digestOf(list.encoded())
  } finally {
    await handle.close()
  }
}

/** Not a KaosError that passes: waiting alone makes no room. */
export class DiskFull extends Error {}

function failure(error: unknown): unknown {
  if (!isDiskFull(error)) return error
  return new DiskFull("the disk with the worker's cache is full", { cause: error })
}
