/* Reading objects out of packs, with some packs kept open. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Layout } from './files.ts'

/** Packs kept open although nobody reads from them at the moment. */
const OPEN_MAX = 64

interface OpenPack {
  readonly handle: Promise<FileHandle>
  readers: number
}

/** The bytes cannot be had: the pack is missing, too short, or the disk fails. */
export class Unreadable extends Error {}

export class PackReaders {
  readonly #layout: Layout
  /** In the order of their last use. */
  readonly #open = new Map<string, OpenPack>()
  /** Closes under way. */
  readonly #closing = new Set<Promise<void>>()

  constructor(layout: Layout) {
    this.#layout = layout
  }

  async read(pack: string, offset: number, length: number): Promise<Buffer> {
    const opened = this.#take(pack)
    try {
      const bytes = Buffer.allocUnsafeSlow(length)
      const handle = await opened.handle
      for (let at = 0; at < length; ) {
        const { bytesRead } = await handle.read(bytes, at, length - at, offset + at)
        if (bytesRead === 0) throw new Unreadable('its pack is cut short')
        at += bytesRead
      }
      return bytes
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOENT') throw new Unreadable('its pack is missing', { cause: error })
      if (code === 'EIO') throw new Unreadable('the disk cannot read it', { cause: error })
      throw error
    } finally {
      opened.readers--
      if (this.#open.get(pack) !== opened) this.#closeIdle(opened)
      this.#evict()
    }
  }

  /** For a pack that is deleted: readers under way finish, new ones open it anew. */
  forget(pack: string): void {
    const opened = this.#open.get(pack)
    if (opened === undefined) return
    this.#open.delete(pack)
    this.#closeIdle(opened)
  }

  /** Resolves when every file is closed, those that are still read from included. */
  async close(): Promise<void> {
    for (const pack of [...this.#open.keys()]) this.forget(pack)
    await Promise.all(this.#closing)
  }

  #take(pack: string): OpenPack {
    const found = this.#open.get(pack)
    const opened = found ?? { handle: open(this.#layout.pack(pack), 'r'), readers: 0 }
    opened.readers++
    this.#open.delete(pack)
    this.#open.set(pack, opened)
    // A pack that could not be opened is not remembered.
    if (found === undefined) {
      opened.handle.catch(() => {
        if (this.#open.get(pack) === opened) this.#open.delete(pack)
      })
    }
    return opened
  }

  #evict(): void {
    if (this.#open.size <= OPEN_MAX) return
    for (const [pack, opened] of this.#open) {
      if (this.#open.size <= OPEN_MAX) return
      if (opened.readers === 0) this.forget(pack)
    }
  }

  #closeIdle(opened: OpenPack): void {
    if (opened.readers > 0) return
    const closing = opened.handle.then(
      handle => handle.close(),
      () => undefined,
    )
    this.#closing.add(closing)
    void closing.finally(() => this.#closing.delete(closing))
  }
}
