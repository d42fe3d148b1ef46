/* Condemning objects: marks.ts has the files. At most one condemnation is open at a time, over all
 * servers that share a shelf; it ends once, removed or released, whoever tries what. */
import { type Digest, rawOf } from '../../api/digest.ts'
import { refusal, released } from '../refusals.ts'
import type { Condemned } from '../store.ts'
import { bury } from './burying.ts'
import type { Catalog } from './catalog.ts'
import { CONDEMNED } from './catalog-queries.ts'
import { announceMarks, type Ground, written } from './ground.ts'
import { openCondemnation } from './mark-effects.ts'
import { COPIES_MAX, condemnationsIn, createMark, marksOn, readText, writeMarks } from './marks.ts'
import type { Copy } from './segments.ts'

/** Digests looked up before others get a turn. */
const SLICE = 512

/** Condemns these. `owner` is whoever may release them after a crash. */
export async function condemn(
  ground: Ground,
  owner: string,
  digests: AsyncIterable<Digest> | Iterable<Digest>,
): Promise<Condemnation> {
  const condemnation = new Condemnation(ground, await begin(ground, owner))
  try {
    for await (const some of batched(digests)) await condemnation.add(some)
    return condemnation
  } catch (error) {
    await condemnation.release().catch(() => undefined)
    throw error
  }
}

/** Releases what a process that is no more had condemned: on a shared shelf, one of this owner. */
export async function releaseOld(ground: Ground, owner: string): Promise<void> {
  const open = openCondemnation(await marksOn(ground.shelf))
  if (open === undefined) return
  const by = await readText(ground.shelf, `${open}.begin`)
  if (!ground.shelf.shared || by === owner) await release(ground, open)
}

export class Condemnation implements Condemned {
  readonly #ground: Ground
  readonly #number: string
  #mine = false

  constructor(ground: Ground, number: string) {
    this.#ground = ground
    this.#number = number
  }

  async add(digests: readonly Digest[]): Promise<void> {
    const copies = await this.#copies(digests, () => true)
    await this.#mark('dying', copies)
  }

  spare(digests: Iterable<Digest>): Promise<void> {
    return this.#spare(digests).catch(refuse)
  }

  remove(): Promise<{ objects: number; bytes: number }> {
    return this.#remove().catch(refuse)
  }

  release(): Promise<void> {
    return release(this.#ground, this.#number).catch(refuse)
  }

  async #spare(digests: Iterable<Digest>): Promise<void> {
    for await (const some of batched(digests)) {
      const copies = await this.#copies(some, state => (state & CONDEMNED) !== 0)
      await this.#mark('spared', copies)
    }
  }

  async #remove(): Promise<{ objects: number; bytes: number }> {
    if (!this.#mine && !(await createMark(this.#ground.shelf, this.#end, 'removed'))) {
      throw released()
    }
    // Should the rest fail, a second call does it.
    this.#mine = true
    const gone = await announceMarks(this.#ground.live, [this.#end])
    await bury(this.#ground)
    return gone ?? { objects: 0, bytes: 0 }
  }

  get #end(): string {
    return `${this.#number}.end`
  }

  async #mark(kind: 'dying' | 'spared', copies: readonly Copy[]): Promise<void> {
    const { live, shelf } = this.#ground
    const names = await written(live, writeMarks(shelf, kind, copies, this.#number))
    const open = (catalog: Catalog) => !catalog.hasMark(this.#end)
    const told = await announceMarks(live, names, open)
    if (told === undefined) throw released()
  }

  async #copies(digests: readonly Digest[], wanted: (state: number) => boolean): Promise<Copy[]> {
    const copies: Copy[] = []
    for (let at = 0; at < digests.length; at += SLICE) {
      if (at > 0) await new Promise(resolve => setImmediate(resolve))
      const raws = digests.slice(at, at + SLICE).map(rawOf)
      const found = await this.#ground.live.ask(catalog =>
        raws.flatMap(raw => catalog.copies(raw, wanted)),
      )
      copies.push(...found)
    }
    return copies
  }
}

/** The number of a new condemnation; one that is open is released. */
async function begin(ground: Ground, owner: string): Promise<string> {
  for (;;) {
    await ground.live.hear()
    const marks = await marksOn(ground.shelf)
    const open = openCondemnation(marks)
    if (open !== undefined) await release(ground, open)
    const last = condemnationsIn(marks).at(-1)?.number ?? '0'
    const number = String(Number(last) + 1).padStart(12, '0')
    if (!(await createMark(ground.shelf, `${number}.begin`, owner))) continue
    await announceMarks(ground.live, [`${number}.begin`])
    return number
  }
}

/** No effect if it has ended. */
export async function release({ shelf, live }: Ground, number: string): Promise<void> {
  const name = `${number}.end`
  if (await createMark(shelf, name, 'released')) await announceMarks(live, [name])
}

function refuse(error: unknown): never {
  throw refusal(error)
}

async function* batched(
  digests: AsyncIterable<Digest> | Iterable<Digest>,
): AsyncGenerator<Digest[], void, undefined> {
  let batch: Digest[] = []
  for await (const digest of digests) {
    batch.push(digest)
    if (batch.length < COPIES_MAX) continue
    yield batch.sort()
    batch = []
  }
  // In order, the catalog's pages are each read and written once.
  if (batch.length > 0) yield batch.sort()
}
