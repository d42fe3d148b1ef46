/* What was added to a shared shelf, in order, so that others hear of it.
 *
 *   feed/<12 digits>   "KA1\0" JSON { by, names }, SHA-256: these files were added; null instead of
 *                      names: list everything
 *
 * Each number is created once, so all agree on the order, and who adds to the feed has heard all that
 * came before. The feed is only news: what is true stands in the segments and marks themselves, and
 * whoever missed some of it lists those. Whoever finds something by listing tells it, because its
 * maker may have died before telling: so nobody knows what others cannot know. Old news is taken
 * away. */
import { newId } from '../../api/ids.ts'
import { opened, sealed } from './segments.ts'
import { Missed, type Shelf } from './shelf.ts'

const MAGIC = Buffer.from('KA1\0', 'latin1')
/** News is kept for so long, and so many in any case. */
const KEPT_MS = 24 * 3600_000
const KEPT = 100

export class Feed {
  readonly #shelf: Shelf
  #position = 0

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  /** Takes all news up to now as heard. */
  async skip(): Promise<void> {
    if (!this.#shelf.shared) return
    for await (const { name } of this.#shelf.list('feed', nameOf(this.#position))) {
      this.#position = Math.max(this.#position, Number(name))
    }
  }

  /** The names of what was added since. Each is heard once `next` is asked for. Throws Missed. */
  async *news(): AsyncGenerator<readonly string[], void, undefined> {
    for await (const { name } of this.#shelf.list('feed', nameOf(this.#position))) {
      const names = await this.#read(name)
      if (Number(name) !== this.#position + 1 || names === undefined) throw new Missed()
      yield names
      this.#position++
    }
  }

  /** False if somebody else was faster: hear the news, and try again. */
  async add(names: readonly string[]): Promise<boolean> {
    const added = await this.#shelf.create(`feed/${nameOf(this.#position + 1)}`, encoded(names))
    if (added) this.#position++
    return added
  }

  /** Takes old news away. */
  async prune(now: number): Promise<void> {
    const old: string[] = []
    for await (const { name, facts } of this.#shelf.list('feed')) {
      if (Number(name) > this.#position - KEPT) break
      const { at } = (await facts()) ?? { at: 0 }
      if (at > now - KEPT_MS) break
      old.push(`feed/${name}`)
    }
    await this.#shelf.remove(old)
  }

  /** Replaces damaged news by one that says: list everything. */
  async *mend(): AsyncGenerator<string, void, undefined> {
    for await (const { name } of this.#shelf.list('feed')) {
      const input = await this.#shelf.readWhole(`feed/${name}`)
      if (input === undefined || opened(input, MAGIC) !== undefined) continue
      await this.#shelf.write(`feed/${name}`, encoded(null))
      yield `feed/${name}`
    }
  }

  /** undefined if it cannot be read, or says to list everything. */
  async #read(name: string): Promise<string[] | undefined> {
    const input = await this.#shelf.readWhole(`feed/${name}`)
    const bytes = input && opened(input, MAGIC)
    return bytes && (JSON.parse(bytes.toString('utf8', MAGIC.length)).names ?? undefined)
  }
}

function encoded(names: readonly string[] | null): Buffer {
  return sealed(Buffer.concat([MAGIC, Buffer.from(JSON.stringify({ by: newId(), names }))]))
}

function nameOf(number: number): string {
  return String(number).padStart(12, '0')
}
