/* The catalog in use: when a page of it turns out damaged it is built anew, and the question asked
 * again; whoever asks meanwhile waits. */
import { type Catalog, isDamagedCatalog } from './catalog.ts'
import type { Files, Layout } from './files.ts'
import { openCatalog, rebuildCatalog } from './recovery.ts'
import { closed } from './refusals.ts'

export class LiveCatalog {
  readonly #files: Files
  readonly #layout: Layout
  #catalog: Promise<Catalog>
  #closed = false

  constructor(files: Files, layout: Layout, catalog: Catalog) {
    this.#files = files
    this.#layout = layout
    this.#catalog = Promise.resolve(catalog)
  }

  static async open(files: Files, layout: Layout): Promise<LiveCatalog> {
    return new LiveCatalog(files, layout, await openCatalog(files, layout))
  }

  readonly ask = async <T>(question: (catalog: Catalog) => T): Promise<T> => {
    const catalog = await this.#current()
    try {
      return question(catalog)
    } catch (error) {
      if (!isDamagedCatalog(error)) throw error
      this.rebuild(catalog)
      return question(await this.#current())
    }
  }

  /** Builds it anew, unless that has been done since this one was asked. */
  rebuild(broken: Catalog): void {
    const before = this.#catalog
    const after = before.then(async catalog => {
      if (catalog !== broken) return catalog
      catalog.close()
      return rebuildCatalog(this.#files, this.#layout)
    })
    after.catch(() => undefined)
    this.#catalog = after
  }

  async close(): Promise<void> {
    this.#closed = true
    const catalog = await this.#catalog.catch(() => undefined)
    catalog?.close()
  }

  async #current(): Promise<Catalog> {
    if (this.#closed) throw closed()
    const catalog = await this.#catalog
    if (this.#closed) throw closed()
    return catalog
  }
}
