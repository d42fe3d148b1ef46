/* Reading parts of files, with some files kept open. */
import { type FileHandle, open } from 'node:fs/promises'

/** Files kept open although nobody reads from them at the moment. */
const OPEN_MAX = 64

interface OpenFile {
  readonly handle: Promise<FileHandle>
  readers: number
}

export class OpenFiles {
  /** By path, in the order of their last use. */
  readonly #open = new Map<string, OpenFile>()
  /** Closes under way. */
  readonly #closing = new Set<Promise<void>>()

  async read(path: string, offset: number, length: number): Promise<Buffer> {
    const opened = this.#take(path)
    try {
      const bytes = Buffer.allocUnsafeSlow(length)
      const handle = await opened.handle
      for (let at = 0; at < length; ) {
        const { bytesRead } = await handle.read(bytes, at, length - at, offset + at)
        if (bytesRead === 0) return bytes.subarray(0, at)
        at += bytesRead
      }
      return bytes
    } finally {
      opened.readers--
      if (this.#open.get(path) !== opened) this.#closeIdle(opened)
      this.#evict()
    }
  }

  /** For a file that is deleted: readers under way finish, new ones open it anew. */
  forget(path: string): void {
    const opened = this.#open.get(path)
    if (opened === undefined) return
    this.#open.delete(path)
    this.#closeIdle(opened)
  }

  /** Resolves when every file is closed, those that are still read from included. */
  async close(): Promise<void> {
    for (const path of [...this.#open.keys()]) this.forget(path)
    await Promise.all(this.#closing)
  }

  #take(path: string): OpenFile {
    const found = this.#open.get(path)
    const opened = found ?? { handle: open(path, 'r'), readers: 0 }
    opened.readers++
    this.#open.delete(path)
    this.#open.set(path, opened)
    // A file that could not be opened is not remembered.
    if (found === undefined) {
      opened.handle.catch(() => {
        if (this.#open.get(path) === opened) this.#open.delete(path)
      })
    }
    return opened
  }

  #evict(): void {
    if (this.#open.size <= OPEN_MAX) return
    for (const [path, opened] of this.#open) {
      if (this.#open.size <= OPEN_MAX) return
      if (opened.readers === 0) this.forget(path)
    }
  }

  #closeIdle(opened: OpenFile): void {
    if (opened.readers > 0) return
    const closing = opened.handle.then(
      handle => handle.close(),
      () => undefined,
    )
    this.#closing.add(closing)
    void closing.finally(() => this.#closing.delete(closing))
  }
}
