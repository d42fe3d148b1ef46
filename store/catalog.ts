/* The catalog: where each object lies, in SQLite. Only a cache of the segments and marks beside the
 * packs, which hold the truth: it may be deleted at any time and is then built anew. So it is not
 * synced at every commit; what a power loss takes from it is added again at the next start. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Copy, Placed } from './segments.ts'

export interface Place {
  readonly pack: string
  readonly offset: number
  readonly length: number
}

const VERSION = 1
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS pack (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, live INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS object (
    digest BLOB NOT NULL, pack INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    damaged INTEGER NOT NULL, PRIMARY KEY (digest, pack)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS damage ON object (digest) WHERE damaged = 1;
  CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS total (
    one INTEGER PRIMARY KEY CHECK (one = 1), objects INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO total VALUES (1, 0, 0);
  PRAGMA user_version = ${VERSION}`
/** Checking every page takes a second per 100 MB; a larger file is trusted until a page fails. */
const CHECKED_BYTES = 64 * 1024 * 1024

/** The answers of one statement; TypeScript is told the row's type here and nowhere else. */
class Query<Row> {
  readonly #statement: StatementSync

  constructor(database: DatabaseSync, sql: string) {
    this.#statement = database.prepare(sql)
  }

  one(...values: SQLInputValue[]): Row | undefined {
    return this.#statement.get(...values) as Row | undefined
  }

  all(...values: SQLInputValue[]): Row[] {
    return this.#statement.all(...values) as Row[]
  }

  run(...values: SQLInputValue[]): number {
    return Number(this.#statement.run(...values).changes)
  }
}

function queriesOf(database: DatabaseSync) {
  const query = <Row = never>(sql: string) => new Query<Row>(database, sql)
  return {
    sound: query<{ length: number }>(
      'SELECT length FROM object WHERE digest = ? AND damaged = 0 LIMIT 1',
    ),
    // The newest pack wins: it was written because the older copy was found damaged.
    locate: query<Place>(
      `SELECT pack.id AS pack, offset, length FROM object JOIN pack ON pack.number = object.pack
       WHERE digest = ? AND damaged = 0 ORDER BY object.pack DESC LIMIT 1`,
    ),
    copy: query<{ offset: number; length: number; damaged: number }>(
      `SELECT offset, length, damaged FROM object
       WHERE digest = ? AND pack = (SELECT number FROM pack WHERE id = ?)`,
    ),
    copies: query<{ pack: string }>(
      `SELECT pack.id AS pack FROM object JOIN pack ON pack.number = object.pack WHERE digest = ?`,
    ),
    page: query<{ digest: Uint8Array; length: number }>(
      `SELECT DISTINCT digest, length FROM object WHERE damaged = 0 AND digest > ?
       ORDER BY digest LIMIT ?`,
    ),
    addPack: query('INSERT INTO pack (id, live) VALUES (?, 0)'),
    packNumber: query<{ number: number; live: number }>(
      'SELECT number, live FROM pack WHERE id = ?',
    ),
    packs: query<{ id: string }>('SELECT id FROM pack ORDER BY number'),
    dropPack: query('DELETE FROM pack WHERE number = ?'),
    live: query('UPDATE pack SET live = live + ? WHERE number = ?'),
    addObject: query('INSERT OR IGNORE INTO object VALUES (?, ?, ?, ?, 0)'),
    dropObject: query('DELETE FROM object WHERE digest = ? AND pack = ?'),
    damage: query('UPDATE object SET damaged = 1 WHERE digest = ? AND pack = ?'),
    marks: query<{ name: string }>('SELECT name FROM mark'),
    addMark: query('INSERT OR IGNORE INTO mark VALUES (?)'),
    dropMark: query('DELETE FROM mark WHERE name = ?'),
    total: query<{ objects: number; bytes: number }>('SELECT objects, bytes FROM total'),
    count: query('UPDATE total SET objects = objects + ?, bytes = bytes + ?'),
  }
}

export class Catalog {
  readonly #database: DatabaseSync
  readonly #ask: ReturnType<typeof queriesOf>
  /** Copies that are being removed: not to be relied on, though not yet gone. */
  readonly #hidden = new Set<string>()

  /** Throws what `isDamagedCatalog` knows if the file is not a sound catalog of this version. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    try {
      this.#check()
      this.#database.exec(SCHEMA)
      this.#ask = queriesOf(this.#database)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Bytes of a sound copy, if there is one. */
  size(raw: Buffer): number | undefined {
    if (this.#hidden.size > 0) return this.locate(raw)?.length
    return this.#ask.sound.one(raw)?.length
  }

  locate(raw: Buffer): Place | undefined {
    if (this.#hidden.size === 0) return this.#ask.locate.one(raw)
    for (const { pack } of this.#ask.copies.all(raw)) {
      if (this.#hidden.has(nameOf({ raw, pack }))) continue
      const copy = this.#ask.copy.one(raw, pack)
      if (copy?.damaged === 0) return { pack, offset: copy.offset, length: copy.length }
    }
    return undefined
  }

  /** Where this copy lies, sound or not. */
  copy({ raw, pack }: Copy): { offset: number; length: number; damaged: boolean } | undefined {
    if (this.#hidden.has(nameOf({ raw, pack }))) return undefined
    const found = this.#ask.copy.one(raw, pack)
    return found && { ...found, damaged: found.damaged === 1 }
  }

  /** All copies, sound or damaged or being removed. */
  copies(raw: Buffer): Copy[] {
    return this.#ask.copies.all(raw).map(({ pack }) => ({ raw, pack }))
  }

  hide(copies: readonly Copy[]): void {
    for (const copy of copies) this.#hidden.add(nameOf(copy))
  }

  show(copies: readonly Copy[]): void {
    for (const copy of copies) this.#hidden.delete(nameOf(copy))
  }

  /** Adds what a segment lists. A second time is no error. */
  add(pack: string, objects: readonly Placed[]): void {
    this.#transaction(() => {
      if (this.#ask.packNumber.one(pack) === undefined) this.#ask.addPack.run(pack)
      const number = this.#ask.packNumber.one(pack)?.number ?? 0
      let [added, fresh, bytes] = [0, 0, 0]
      for (const { raw, offset, length } of objects) {
        const known = this.#ask.sound.one(raw) !== undefined
        if (this.#ask.addObject.run(raw, number, offset, length) === 0) continue
        added++
        if (known) continue
        fresh++
        bytes += length
      }
      this.#ask.live.run(added, number)
      this.#ask.count.run(fresh, bytes)
    })
  }

  /** Takes copies away; answers the packs that now hold none, and forgets those packs. */
  drop(copies: readonly Copy[]): string[] {
    return this.#changed(copies, (raw, number) => this.#ask.dropObject.run(raw, number))
  }

  setDamaged(copies: readonly Copy[]): void {
    this.#changed(copies, (raw, number) => {
      this.#ask.damage.run(raw, number)
      return 0
    })
  }

  packs(): string[] {
    return this.#ask.packs.all().map(one => one.id)
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

  /** Objects with a sound copy, by digest, behind this one. */
  page(after: Buffer, limit: number): { raw: Buffer; size: number }[] {
    const rows = this.#ask.page.all(after, limit)
    return rows.map(({ digest, length }) => ({ raw: Buffer.from(digest), size: length }))
  }

  total(): { objects: number; bytes: number } {
    const { objects, bytes } = this.#ask.total.one() ?? { objects: 0, bytes: 0 }
    return { objects, bytes }
  }

  close(): void {
    this.#database.close()
  }

  /** Changes copies, and keeps the totals and the packs' counts true. */
  #changed(copies: readonly Copy[], change: (raw: Buffer, pack: number) => number): string[] {
    const emptied: string[] = []
    this.#transaction(() => {
      const touched = new Set<string>()
      for (const { raw, pack } of copies) {
        const number = this.#ask.packNumber.one(pack)?.number
        if (number === undefined) continue
        const before = this.#ask.sound.one(raw)
        const dropped = change(raw, number)
        if (dropped > 0) this.#ask.live.run(-dropped, number)
        const lost = before !== undefined && this.#ask.sound.one(raw) === undefined
        if (lost) this.#ask.count.run(-1, -before.length)
        touched.add(pack)
      }
      for (const id of touched) {
        const pack = this.#ask.packNumber.one(id)
        if (pack === undefined || pack.live > 0) continue
        this.#ask.dropPack.run(pack.number)
        emptied.push(id)
      }
    })
    return emptied
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#database.exec('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #check(): void {
    const number = (name: string) => {
      const row = this.#database.prepare(`PRAGMA ${name}`).get()
      return Object.values(row ?? {})[0]
    }
    const version = number('user_version')
    if (version !== 0 && version !== VERSION) throw new StaleCatalog()
    if (Number(number('page_count')) * Number(number('page_size')) > CHECKED_BYTES) return
    if (number('quick_check(1)') !== 'ok') throw new StaleCatalog()
  }
}

/** Not ours, not sound, or it speaks of packs that are not there. */
export class StaleCatalog extends Error {}

const CORRUPT = 11
const NOT_A_DATABASE = 26

/** Whether the catalog must be built anew. */
export function isDamagedCatalog(error: unknown): boolean {
  if (error instanceof StaleCatalog) return true
  const code = error instanceof Error ? (error as { errcode?: number }).errcode : undefined
  return code !== undefined && [CORRUPT, NOT_A_DATABASE].includes(code & 0xff)
}

function nameOf({ raw, pack }: Copy): string {
  return raw.toString('latin1') + pack
}
