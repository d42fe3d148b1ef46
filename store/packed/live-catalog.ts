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
import { addObjects, catchUp } from './recovery.ts'
import { readSegment } from './segment-files.ts'
import type { Placed } from './segments.ts'
import { Missed, packIn, type Shelf } from './shelf.ts'
import { Turns } from './turns.ts'

/** Something that can be asked to use the catalog. */
export type Ask = <T>(question: (catalog: Catalog) => T) => Promise<T>

/** Names in one piece of news. */
const TOLD_MAX = 10_000
/** A listing that others change again and again is begun so many times. */
const TURNS = 5

export class LiveCatalog {
  /** Of all that removes packs, or writes segments anew. */
  readonly packs = new Turns()
  readonly #shelf: Shelf
  readonly #file: string
  readonly #store: string
  readonly #feed: Feed
  #catalog: Promise<Catalog>
  #closed = false
  #missed = false
  /** What was found by listing: others may not have been told of it, so they are told again. */
  #untold: string[] = []
  /** Of all that changes the catalog by what others did, or tells others: it is heard and done in the
   * order of the feed. */
  readonly #news = new Turns()
  #hearing: Promise<void> | undefined
  #opened = false

  private constructor(shelf: Shelf, file: string, store: string) {
    this.#shelf = shelf
    this.#file = file
    this.#store = store
    this.#feed = new Feed(shelf)
    this.#catalog = this.#feed.skip().then(() => this.#open())
  }

  /** Makes the catalog in this file say what the shelf of this store says. */
  static async open(shelf: Shelf, file: string, store: string): Promise<LiveCatalog> {
    const live = new LiveCatalog(shelf, file, store)
    await live.#catalog
    try {
      await live.hear()
      return live
    } catch (error) {
      await live.close()
      throw error
    }
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
    this.#hearing ??= this.#news.take(() => {
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
    return this.#news.take(async () => {
      try {
        if (this.#shelf.shared && (this.#missed || this.#untold.length > 0)) await this.#listen()
        for (;;) {
          if (!(await this.ask(still))) return undefined
          if (!this.#shelf.shared || (await this.#feed.add(names))) return await follow()
          await this.#listen()
        }
      } catch (error) {
        this.miss()
        throw error
      }
    })
  }

  /** Something is on the shelf, or may be, that the catalog or others have not been told of: on a
   * shared shelf everything is listed before the next question. On one of its own that is for the
   * next start; until then it is as if it were not there. */
  miss(): void {
    this.#missed = true
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
    if (this.#closed) return
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
    await this.#news.idle()
    await this.packs.idle()
    const catalog = await this.#catalog.catch(() => undefined)
    catalog?.close()
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
        // Later, segments are written in turn with what else is done to packs.
        const alone = !this.#shelf.shared && !this.#opened
        const found = await catchUp(this.#shelf, catalog, alone)
        this.#opened = true
        if (this.#shelf.shared) this.#untold.push(...found)
        return
      } catch (error) {
        if (!(error instanceof Missed) || turn === TURNS) throw error
      }
    }
  }

  /** Hears the news, and tells what was found by listing. */
  async #listen(): Promise<void> {
    await this.#hearNews()
    while (this.#untold.length > 0) {
      const names = this.#untold.slice(0, TOLD_MAX)
      if (await this.#feed.add(names)) this.#untold.splice(0, names.length)
      else await this.#hearNews()
    }
  }

  async #hearNews(): Promise<void> {
    try {
      if (this.#missed) throw new Missed()
      for await (const names of this.#feed.news()) {
        for (const name of names) await this.#take(name)
      }
    } catch (error) {
      if (!(error instanceof Missed)) throw error
      await this.#feed.skip()
      await this.work(catalog => this.#catchUp(catalog))
      this.#missed = false
    }
  }

  /** Something that another server added, or found. */
  async #take(name: string): Promise<void> {
    const [folder, file = ''] = name.split('/')
    if (folder === 'marks') {
      if (!(await this.ask(catalog => catalog.hasMark(file)))) await this.heed(file)
      return
    }
    const found = packIn(file)
    if (found?.is !== 'segment') return
    if ((await this.ask(catalog => catalog.liveIn(found.pack))) !== undefined) return
    const objects = await readSegment(this.#shelf, found.pack)
    // Removed already: a later mark tells.
    if (objects === undefined) return
    const facts = await this.#shelf.facts(name)
    await this.work(catalog => addObjects(catalog, found.pack, objects, facts?.at ?? Date.now()))
  }
}
