/* The catalog: where each object lies, in SQLite. Only a cache of the segments and marks on the
 * shelf, which hold the truth: it may be deleted at any time and is then built anew. So it is not
 * synced at every commit; what a power loss takes from it is added again at the next start. */
import { DatabaseSync } from 'node:sqlite'
import { addCopies, changeCopies, completePack, type Lost } from './catalog-changes.ts'
import { requireSound } from './catalog-health.ts'
import {
  AWAITED,
  CONDEMNED,
  type CopyRow,
  DAMAGED,
  GONE,
  isReadable,
  type Queries,
  queriesOf,
  SCHEMA,
} from './catalog-queries.ts'
import type { Copy, Placed } from './segments.ts'

export interface Place {
  readonly pack: string
  readonly offset: number
  readonly length: number
}

export interface PackRoom {
  readonly id: string
  /** Objects that are not gone, and their bytes. */
  readonly live: number
  readonly bytes: number
  readonly since: number
}

export class Catalog {
  readonly #database: DatabaseSync
  readonly #ask: Queries
  /** Copies that are being removed: not to be relied on, though not yet gone. */
  readonly #hidden = new Set<string>()

  /** Throws what `isDamagedCatalog` knows if the file is not a sound catalog of this version. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    try {
      requireSound(this.#database)
      this.#database.exec(SCHEMA)
      this.#ask = queriesOf(this.#database)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Bytes of a sound copy, if there is one. */
  size(raw: Buffer): number | undefined {
    if (this.#hidden.size > 0) return this.#visible(raw).find(copy => copy.state === 0)?.length
    return this.#ask.sound.one(raw)?.length
  }

  /** Of digests of 32 bytes each, one after the other. */
  sizes(raws: Buffer): (number | undefined)[] {
    const sizes: (number | undefined)[] = []
    for (let at = 0; at < raws.length; at += 32) sizes.push(this.size(raws.subarray(at, at + 32)))
    return sizes
  }

  /** A copy that can be read, though it may be condemned. Among equals the newest: it was written
   * because an older one was found damaged. */
  locate(raw: Buffer): Place | undefined {
    const readable = this.#visible(raw).filter(isReadable)
    return readable.findLast(copy => copy.state === 0) ?? readable.at(-1)
  }

  /** Where this copy lies, and its state; undefined if it is gone. */
  copy({ raw, pack }: Copy): CopyRow | undefined {
    return this.#visible(raw).find(copy => copy.pack === pack && isListed(copy))
  }

  /** All copies but those gone: sound, damaged, condemned, being removed. `wanted` chooses by state. */
  copies(raw: Buffer, wanted: (state: number) => boolean = () => true): Copy[] {
    const rows = this.#ask.copies.all(raw).filter(row => isListed(row) && wanted(row.state))
    return rows.map(({ pack }) => ({ raw, pack }))
  }

  hide(copies: readonly Copy[]): void {
    for (const copy of copies) this.#hidden.add(nameOf(copy))
  }

  show(copies: readonly Copy[]): void {
    for (const copy of copies) this.#hidden.delete(nameOf(copy))
  }

  /** Adds some of what a segment lists. A second time is no error. */
  add(pack: string, objects: readonly Placed[]): void {
    this.together(() => addCopies(this.#ask, pack, objects))
  }

  /** All that its segment lists has been added. */
  complete(pack: string, since: number): void {
    this.together(() => completePack(this.#ask, pack, since))
  }

  /** Takes copies away. */
  drop(copies: readonly Copy[]): Lost {
    return this.#change(copies, state => state | GONE)
  }

  /** Takes those away that are condemned. */
  dropCondemned(copies: readonly Copy[]): Lost {
    return this.#change(copies, state => ((state & CONDEMNED) === 0 ? state : state | GONE))
  }

  setDamaged(copies: readonly Copy[]): void {
    this.#change(copies, state => state | DAMAGED)
  }

  setCondemned(copies: readonly Copy[]): void {
    this.#change(copies, state => state | CONDEMNED)
  }

  spare(copies: readonly Copy[]): void {
    this.#change(copies, state => state & ~CONDEMNED)
  }

  /** Some of the condemned copies. */
  condemned(limit: number): Copy[] {
    const rows = this.#ask.odd.all(CONDEMNED, limit)
    return rows.map(({ digest, pack }) => ({ raw: Buffer.from(digest), pack }))
  }

  /** Forgets packs that are no longer on the shelf, with all they held. Reads the whole catalog,
   * unless they held nothing. */
  forgetPacks(packs: Iterable<string>): void {
    this.together(() => {
      const rows = Array.from(packs, pack => this.#ask.pack.one(pack) ?? [])
      const known = rows.flat()
      for (const { number } of known) this.#ask.dropPack.run(number)
      if (known.every(({ whole, live }) => whole === 1 && live <= 0)) return
      this.#ask.dropStrays.run()
      this.#ask.recount.run()
    })
  }

  /** Packs that hold nothing any more. */
  emptyPacks(): string[] {
    return this.#ask.empty.all().map(({ id }) => id)
  }

  /** Their ids, and whether all is known that they hold. */
  packs(): { id: string; whole: boolean }[] {
    return this.#ask.packs.all().map(({ id, whole }) => ({ id, whole: whole === 1 }))
  }

  /** Objects of this pack that are not gone; undefined for one that is not (wholly) known. */
  liveIn(pack: string): { live: number; odd: number } | undefined {
    const row = this.#ask.pack.one(pack)
    if (row === undefined || row.whole === 0) return undefined
    return { live: row.live, odd: this.#ask.oddIn.one(row.number)?.count ?? 0 }
  }

  /** Packs of which more than this share is gone. */
  sparse(deadShare: number): PackRoom[] {
    return this.#ask.sparse.all(deadShare)
  }

  /** Packs with copies that were found damaged. */
  withDamage(): PackRoom[] {
    return this.#ask.withDamage.all()
  }

  /** Packs that were written with fewer bytes than this. */
  small(bytes: number): PackRoom[] {
    return this.#ask.small.all(bytes)
  }

  /** What it knows of a pack's objects. Reads the whole catalog. */
  placedIn(pack: string): Placed[] {
    const rows = this.#ask.placedIn.all(pack)
    return rows.map(({ digest, offset, length }) => ({ raw: Buffer.from(digest), offset, length }))
  }

  hasMark(name: string): boolean {
    return this.#ask.mark.one(name) !== undefined
  }

  marks(): string[] {
    return this.#ask.marks.all().map(one => one.name)
  }

  addMark(name: string): void {
    this.#ask.addMark.run(name)
  }

  dropMark(name: string): void {
    this.#ask.dropMark.run(name)
  }

  /** Objects that can be read, by digest, behind this one. */
  page(after: Buffer, limit: number): { raw: Buffer; size: number; at: number }[] {
    const found: { raw: Buffer; size: number; at: number }[] = []
    for (const { digest, length, since } of this.#ask.page.all(after, limit)) {
      const last = found.at(-1)
      if (last?.raw.equals(digest)) last.at = Math.max(last.at, since)
      else found.push({ raw: Buffer.from(digest), size: length, at: since })
    }
    return found
  }

  damaged(): number {
    return this.#ask.damaged.one()?.count ?? 0
  }

  total(): { objects: number; bytes: number; packs: number; deadBytes: number } {
    const { objects, bytes } = this.#ask.about.one() ?? { objects: 0, bytes: 0 }
    const { packs, dead } = this.#ask.room.one() ?? { packs: 0, dead: 0 }
    return { objects, bytes, packs, deadBytes: dead }
  }

  /** The id of the store that this is the catalog of, once it was told. */
  get store(): string | undefined {
    return this.#ask.about.one()?.store ?? undefined
  }

  nameStore(id: string): void {
    this.#ask.nameStore.run(id)
  }

  /** All these changes in one transaction. */
  together<T>(work: () => T): T {
    if (this.#database.isTransaction) return work()
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const answer = work()
      this.#database.exec('COMMIT')
      return answer
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#database.close()
  }

  #visible(raw: Buffer): CopyRow[] {
    const rows = this.#ask.copies.all(raw)
    if (this.#hidden.size === 0) return rows
    return rows.filter(({ pack }) => !this.#hidden.has(nameOf({ raw, pack })))
  }

  #change(copies: readonly Copy[], change: (state: number) => number): Lost {
    return this.together(() => changeCopies(this.#ask, copies, change))
  }
}

function nameOf({ raw, pack }: Copy): string {
  return raw.toString('latin1') + pack
}

function isListed({ state }: CopyRow): boolean {
  return (state & (GONE | AWAITED)) === 0
}
