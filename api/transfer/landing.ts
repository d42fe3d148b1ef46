/* Where received files land: in a folder of its own beside the target, until all is there. Then that
 * folder, or for a single file the one file in it, takes the target's place. */
import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs'
import {
  chmod,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isDiskFull, KaosError } from '../errors.ts'
import { newId } from '../ids.ts'
import { codeOf } from './walk.ts'

/** After so many small files others get a turn. */
const FILES_PER_TURN = 64
/** The name of a single file in the temporary folder. */
export const FILE = 'file'

export class Landing {
  readonly #target: string
  readonly #kind: 'folder' | 'file'
  readonly #temporary: string
  /** The parent folders that were made for the target, outermost last. */
  readonly #parents: string[] = []
  #smallFiles = 0
  #umask = 0

  constructor(target: string, kind: 'folder' | 'file') {
    this.#kind = kind
    this.#target = resolve(target)
    const parent = dirname(this.#target)
    // Without the target's own name, which may be as long as a name can be.
    this.#temporary = join(parent, `.kaos-${newId()}`)
  }

  /** Makes the temporary folder. BAD_REQUEST if the target is a folder that holds anything, or any
   * folder where a file is to be. A file that is there is replaced by a file. */
  async begin(): Promise<void> {
    await this.#refuseTaken()
    const parent = dirname(this.#target)
    const first = await mkdir(parent, { recursive: true }).catch(failing(parent))
    if (first !== undefined) {
      for (let made = parent; made.length >= first.length; made = dirname(made)) {
        this.#parents.push(made)
      }
    }
    await mkdir(this.#temporary, 0o777).catch(failing(this.#target))
    // The umask, asked for without changing it.
    this.#umask = ~(await stat(this.#temporary)).mode & 0o777
    await chmod(this.#temporary, 0o755)
  }

  path(relative: string): string {
    return relative === '' ? this.#temporary : join(this.#temporary, relative)
  }

  async folder(relative: string): Promise<void> {
    await mkdir(this.path(relative), 0o755).catch(failing(relative))
    if ((this.#umask & 0o755) !== 0) await chmod(this.path(relative), 0o755)
  }

  /** Writes a file of a few bytes, at once and without leaving the thread: four times faster. */
  async small(relative: string, mode: number, bytes: Uint8Array): Promise<void> {
    try {
      const fd = openSync(this.path(relative), 'wx', mode)
      try {
        if ((this.#umask & mode) !== 0) fchmodSync(fd, mode)
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      } finally {
        closeSync(fd)
      }
    } catch (error) {
      throw codeOf(error) === undefined ? error : failure(relative, error)
    }
    if (++this.#smallFiles % FILES_PER_TURN === 0) await new Promise(done => setImmediate(done))
  }

  /** Writes a file of any size; while one piece is written the next is fetched. A piece is used until
   * the one after the next is asked for. */
  async large(relative: string, mode: number, source: AsyncIterable<Uint8Array>): Promise<void> {
    const handle = await open(this.path(relative), 'wx', mode).catch(failing(relative))
    let writing: Promise<void> = Promise.resolve()
    try {
      if ((this.#umask & mode) !== 0) await handle.chmod(mode)
      for await (const piece of source) {
        await writing
        writing = writeAll(handle, piece)
        // Waited for above or below; a failure in between must not count as unhandled.
        writing.catch(() => undefined)
      }
      await writing
    } catch (error) {
      throw codeOf(error) === undefined ? error : failure(relative, error)
    } finally {
      await writing.catch(() => undefined)
      await handle.close()
    }
  }

  /** Puts everything in its place. */
  async finish(): Promise<void> {
    const folder = this.#kind === 'folder'
    try {
      await rename(folder ? this.#temporary : this.path(FILE), this.#target)
    } catch (error) {
      await this.#refuseTaken()
      throw error
    }
    if (!folder) await rm(this.#temporary, { recursive: true, force: true })
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true })
    // Only those that are still empty: others may have put something there.
    for (const parent of this.#parents) await rmdir(parent).catch(() => undefined)
  }

  async #refuseTaken(): Promise<void> {
    const names = await readdir(this.#target).catch(error => {
      if (codeOf(error) === 'ENOENT') return []
      if (codeOf(error) === 'ENOTDIR' && this.#kind === 'file') return []
      throw new KaosError('BAD_REQUEST', `${this.#target} is not a folder; give another target`)
    })
    if (names.length === 0) return
    throw new KaosError('BAD_REQUEST', `${this.#target} is not empty; give another target`)
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  let rest = piece
  while (rest.length > 0) {
    const { bytesWritten } = await handle.write(rest)
    rest = rest.subarray(bytesWritten)
  }
}

function failing(path: string): (error: unknown) => never {
  return error => {
    throw failure(path, error)
  }
}

function failure(path: string, cause: unknown): KaosError {
  if (isDiskFull(cause)) {
    const message = `the disk is full: ${path} cannot be written; make room, then try again`
    return new KaosError('STORAGE_FULL', message, { cause })
  }
  const code = codeOf(cause)
  const twin = code === 'EEXIST' ? '; this file system takes two of its names for one' : ''
  return new KaosError('BAD_REQUEST', `${path} cannot be written (${code})${twin}`, { cause })
}
