/* The catalog in use. When a page of it turns out damaged it is built anew, and the question asked
 * again; whoever asks meanwhile waits. On a shared shelf it also hears what others added. */
import { rm } from 'node:fs/promises'
import { closed } from '../refusals.ts'
import { Catalog } from './catalog.ts'
import type { Lost } from './catalog-changes.ts'
import { isDamagedCatalog, StaleCatalog } from './catalog-health.ts'
import { Feed } from './feed.ts'
import { applyMark } from './mark-effects.ts'
import { parseMark } from './marks.ts'
import { addObjects, catchUp, readSegment } from './recovery.ts'
import type { Placed } from './segments.ts'
import { Missed, packIn, type Shelf } from './shelf.ts'

/** Something that can be asked to use the catalog. */
export type Ask = <T>(question: (catalog: Catalog) => T) => Promise<T>

/** A listing that others change again and again is begun so many times. */
const TURNS = 5

export class LiveCatalog {
  readonly #shelf: Shelf
  readonly #file: string
  readonly #store: string
  readonly #feed: Feed
  #catalog: Promise<Catalog>
  #closed = false
  #missed = false
  /** Ends when all that changes the catalog by what others did, or tells others, is done. */
  #last: Promise<unknown> = Promise.resolve()
  #hearing: Promise<void> | undefined

  private constructor(shelf: Shelf, file: string, store: string) {
    this.#shelf = shelf
    this.#file = file
    this.#store = store
    this.#feed = new Feed(shelf)
    this.#catalog = this.#open()
  }

  /** Makes the catalog in this file say what the shelf of this store says. */
  static async open(shelf: Shelf, file: string, store: string): Promise<LiveCatalog> {
    const live = new LiveCatalog(shelf, file, store)
    await live.#catalog
    return live
  }

  readonly ask: Ask = async question => {
    const catalog = await this.#current()
    try {
      return question(catalog)
    } catch (error) {
      if (!isDamagedCatalog(error)) throw error
      this.rebuild(catalog)
      return question(await this.#current())
    }
  }

  /** Resolves when the catalog knows all that was on the shelf before the call. */
  async hear(): Promise<void> {
    if (!this.#shelf.shared) return
    // Who comes while others listen waits for the next turn: this one may have looked already.
    this.#hearing ??= this.#alone(() => {
      this.#hearing = undefined
      return this.#listen()
    })
    await this.#hearing
  }

  /** Tells others what was added to the shelf, and then does what follows from it, before anything
   * else is heard. If others added something first, that is heard before, and it goes on only if
   * `still` holds; answers undefined if it did not. */
  async announce<T>(
    names: readonly string[],
    follow: () => Promise<T>,
    still: (catalog: Catalog) => boolean = () => true,
  ): Promise<T | undefined> {
    return this.#alone(async () => {
      for (;;) {
        if (!(await this.ask(still))) return undefined
        if (!this.#shelf.shared || (await this.#feed.add(names))) break
        await this.#listen()
      }
      return follow().catch(error => {
        this.miss()
        throw error
      })
    })
  }

  /** What is on the shelf could not be told to the catalog: it must be brought up to it. */
  miss(): void {
    this.#missed = true
    if (!this.#shelf.shared) void this.#catalog.then(catalog => this.rebuild(catalog))
  }

  /** As `ask`, for work that takes several turns and can be repeated. */
  async work<T>(task: (catalog: Catalog) => Promise<T>): Promise<T> {
    for (;;) {
      const catalog = await this.#current()
      try {
        return await task(catalog)
      } catch (error) {
        // While it worked, somebody else may have found the catalog damaged, and closed it.
        const replaced = (await this.#current()) !== catalog
        if (!replaced && !isDamagedCatalog(error)) throw error
        this.rebuild(catalog)
      }
    }
  }

  /** Lists what a pack holds. */
  async add(pack: string, objects: readonly Placed[], since: number): Promise<void> {
    await this.work(catalog => addObjects(catalog, pack, objects, since))
  }

  /** Tells the catalog of a mark on the shelf. */
  async heed(name: string): Promise<Lost> {
    const mark = parseMark(name)
    if (mark === undefined) return { objects: 0, bytes: 0 }
    return this.work(catalog => applyMark(this.#shelf, catalog, mark))
  }

  /** Builds it anew, unless that has been done since this one was asked. */
  rebuild(broken: Catalog): void {
    const after = this.#catalog.then(async catalog => {
      if (catalog !== broken) return catalog
      catalog.close()
      await this.#erase()
      return this.#caughtUp()
    })
    after.catch(() => undefined)
    this.#catalog = after
  }

  /** Takes old news away. */
  prune(now: number): Promise<void> {
    return this.#feed.prune(now)
  }

  /** Replaces damaged news, and names the files. */
  mendNews(): AsyncGenerator<string, void, undefined> {
    return this.#feed.mend()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#last
    const catalog = await this.#catalog.catch(() => undefined)
    catalog?.close()
  }

  /** One at a time, so that all is heard and done in the order of the feed. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #current(): Promise<Catalog> {
    if (this.#closed) throw closed()
    // What kept it from being built, a full disk for example, may have passed.
    const catalog = await this.#catalog.catch(() => (this.#catalog = this.#open()))
    if (this.#closed) throw closed()
    return catalog
  }

  async #open(): Promise<Catalog> {
    try {
      return await this.#caughtUp()
    } catch (error) {
      if (!isDamagedCatalog(error)) throw error
      await this.#erase()
      return this.#caughtUp()
    }
  }

  async #erase(): Promise<void> {
    for (const end of ['', '-wal', '-shm']) await rm(this.#file + end, { force: true })
  }

  async #caughtUp(): Promise<Catalog> {
    const catalog = new Catalog(this.#file)
    try {
      if ((catalog.store ?? this.#store) !== this.#store) throw new StaleCatalog()
      catalog.nameStore(this.#store)
      await this.#catchUp(catalog)
      return catalog
    } catch (error) {
      catalog.close()
      throw error
    }
  }

  async #catchUp(catalog: Catalog): Promise<void> {
    for (let turn = 1; ; turn++) {
      try {
        if (this.#shelf.shared) await this.#feed.skip()
        await catchUp(this.#shelf, catalog)
        this.#missed = false
        return
      } catch (error) {
        if (!(error instanceof Missed) || turn === TURNS) throw error
      }
    }
  }

  async #listen(): Promise<void> {
    try {
      if (this.#missed) throw new Missed()
      for await (const names of this.#feed.news()) {
        for (const name of names) await this.#take(name)
      }
    } catch (error) {
      if (!(error instanceof Missed)) throw error
      await this.work(catalog => this.#catchUp(catalog))
    }
  }

  /** Something that another server added. */
  async #take(name: string): Promise<void> {
    const [folder, file = ''] = name.split('/')
    if (folder === 'marks') {
      await this.heed(file)
      return
    }
    const found = packIn(file)
    if (found?.is !== 'segment') return
    const objects = await readSegment(this.#shelf, found.pack)
    // Removed already: a later mark tells.
    if (objects === undefined) return
    const facts = await this.#shelf.facts(name)
    await this.work(catalog => addObjects(catalog, found.pack, objects, facts?.at ?? Date.now()))
  }
}
