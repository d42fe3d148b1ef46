import type { Folder, Listed, Shelf, Writing } from '../../store/packed/shelf.ts'
import { Unreadable } from '../../store/packed/shelf.ts'

/** A shelf that several stores share, in memory: what a bucket is, without a server. Every request
 * takes a turn of the event loop, so that the requests of two stores come in between each other. */
export class SharedShelf implements Shelf {
  readonly place = 'memory'
  readonly shared = true
  /** By name; a test may change them. */
  readonly files: Map<string, { bytes: Buffer; at: number }>
  /** What was asked for, in order. */
  readonly log: string[] = []
  /** Throws what is to fail, or holds it up. */
  before: (request: string) => void | Promise<void> = () => {}

  constructor(files: SharedShelf['files'] = new Map()) {
    this.files = files
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.#turn(`write ${name}`)
    this.#set(name, bytes)
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    await this.#turn(`create ${name}`)
    if (this.files.has(name)) return false
    this.#set(name, bytes)
    return true
  }

  async begin(name: string): Promise<Writing> {
    const parts: Buffer[] = []
    return {
      write: async bytes => {
        parts.push(Buffer.from(bytes))
        await this.#turn(`part ${name}`)
      },
      finish: () => this.write(name, Buffer.concat(parts)),
      abandon: async () => undefined,
    }
  }

  async settle(): Promise<void> {}

  async read(name: string, offset: number, length: number): Promise<Buffer> {
    await this.#turn(`read ${name}`)
    const file = this.files.get(name)
    if (file === undefined) throw new Unreadable('its pack is missing')
    return Buffer.from(file.bytes.subarray(offset, offset + length))
  }

  async readWhole(name: string): Promise<Buffer | undefined> {
    await this.#turn(`read ${name}`)
    const file = this.files.get(name)
    return file && Buffer.from(file.bytes)
  }

  async facts(name: string): Promise<{ bytes: number; at: number } | undefined> {
    await this.#turn(`facts ${name}`)
    const file = this.files.get(name)
    return file && { bytes: file.bytes.length, at: file.at }
  }

  async *list(folder: Folder, after = ''): AsyncIterable<Listed> {
    const prefix = `${folder}/`
    let from = prefix + after
    for (;;) {
      await this.#turn(`list ${folder}`)
      const names = [...this.files.keys()].filter(name => name.startsWith(prefix) && name > from)
      // Pages, as a server gives them: what comes between two is in the second or in none.
      const page = names.sort().slice(0, 5)
      for (const name of page) {
        yield { name: name.slice(prefix.length), facts: () => this.facts(name) }
      }
      const last = page.at(-1)
      if (last === undefined) return
      from = last
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.#turn(`remove ${name}`)
      this.files.delete(name)
    }
  }

  async sweep(): Promise<void> {}

  async freeBytes(): Promise<undefined> {
    return undefined
  }

  async close(): Promise<void> {}

  #set(name: string, bytes: Uint8Array): void {
    this.files.set(name, { bytes: Buffer.from(bytes), at: Date.now() })
  }

  async #turn(request: string): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    await this.before(request)
    this.log.push(request)
  }
}
