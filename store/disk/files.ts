/* How the store changes the disk: a small layer, so that a test can let any write fail. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises'

export interface Files {
  /** Makes a file and opens it for writing. One that is there is an error. */
  create(path: string): Promise<NewFile>
  rename(from: string, to: string): Promise<void>
  /** A missing file is no error. */
  remove(path: string): Promise<void>
  /** Makes the names in this folder durable. */
  syncFolder(path: string): Promise<void>
}

export interface NewFile {
  /** Appends all of the bytes. */
  write(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

export const diskFiles: Files = {
  async create(path) {
    // What workspaces keep is for nobody else on this host.
    return new DiskFile(await open(path, 'wx', 0o600))
  },

  rename,

  remove(path) {
    return rm(path, { force: true })
  },

  async syncFolder(path) {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

class DiskFile implements NewFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at)
      at += bytesWritten
    }
  }

  async sync(): Promise<void> {
    await this.#handle.datasync()
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** Writes a small file whole: after this its bytes are durable under its name, once the folder is
 * synced. Leaves nothing behind when it fails. */
export async function writeWhole(files: Files, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    const file = await files.create(temporary)
    try {
      await file.write(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await files.rename(temporary, path)
  } catch (error) {
    await files.remove(temporary).catch(() => undefined)
    throw error
  }
}
