/* A shelf in a folder. One process at a time may use it; who locks it is the server. */
import { mkdir, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type Facts,
  type Folder,
  type Listed,
  type Shelf,
  Unreadable,
  type Writing,
} from '../packed/shelf.ts'
import { type Files, type NewFile, writeWhole } from './files.ts'
import { OpenFiles } from './open-files.ts'

const FOLDERS = ['packs', 'marks'] as const

export async function openDiskShelf(folder: string, files: Files): Promise<Shelf> {
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
  await files.syncFolder(folder)
  return new DiskShelf(folder, files)
}

class DiskShelf implements Shelf {
  readonly place: string
  readonly shared = false
  readonly #files: Files
  readonly #open = new OpenFiles()

  constructor(folder: string, files: Files) {
    this.place = folder
    this.#files = files
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name)
    await writeWhole(this.#files, path, bytes)
    // A name outside of the folders that are settled by whoever writes there.
    if (dirname(name) === '.') await this.#files.syncFolder(this.place)
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    if ((await this.readWhole(name)) !== undefined) return false
    await this.write(name, bytes)
    return true
  }

  async begin(name: string): Promise<Writing> {
    const path = this.#path(name)
    return new DiskWriting(this.#files, path, await this.#files.create(path))
  }

  settle(folder: Folder): Promise<void> {
    return this.#files.syncFolder(this.#path(folder))
  }

  async read(name: string, offset: number, length: number): Promise<Buffer> {
    try {
      return await this.#open.read(this.#path(name), offset, length)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOENT') throw new Unreadable('its pack is missing', { cause: error })
      if (code === 'EIO') throw new Unreadable('the disk cannot read it', { cause: error })
      throw error
    }
  }

  readWhole(name: string): Promise<Buffer | undefined> {
    return readFile(this.#path(name)).catch(absent)
  }

  async facts(name: string): Promise<Facts | undefined> {
    const found = await stat(this.#path(name)).catch(absent)
    return found && { bytes: found.size, at: found.mtimeMs }
  }

  async *list(folder: Folder, after = ''): AsyncIterable<Listed> {
    const names = await readdir(this.#path(folder)).catch(absent)
    for (const name of (names ?? []).sort()) {
      if (name <= after || name.endsWith('.tmp')) continue
      yield { name, facts: () => this.facts(`${folder}/${name}`) }
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const path = this.#path(name)
      await this.#files.remove(path)
      this.#open.forget(path)
    }
  }

  async sweep(): Promise<void> {
    for (const folder of ['', ...FOLDERS]) {
      for (const name of await readdir(this.#path(folder))) {
        if (name.endsWith('.tmp')) await this.#files.remove(this.#path(join(folder, name)))
      }
    }
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.place)
    return bavail * bsize
  }

  close(): Promise<void> {
    return this.#open.close()
  }

  #path(name: string): string {
    return join(this.place, name)
  }
}

class DiskWriting implements Writing {
  readonly #files: Files
  readonly #path: string
  readonly #file: NewFile
  #closed = false

  constructor(files: Files, path: string, file: NewFile) {
    this.#files = files
    this.#path = path
    this.#file = file
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#file.write(bytes)
  }

  async finish(): Promise<void> {
    try {
      await this.#file.sync()
    } finally {
      await this.#close()
    }
  }

  async abandon(): Promise<void> {
    await this.#close().catch(() => undefined)
    await this.#files.remove(this.#path)
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#file.close()
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
