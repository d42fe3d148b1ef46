/* The catalog's tables and the questions it asks them. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

export const VERSION = 2

/** What is known of a copy, as bits. A copy of state 0 is sound. */
export const DAMAGED = 1
export const CONDEMNED = 2
/** It was removed before its segment was read to the end. */
export const GONE = 4
/** A mark speaks of it, its segment has not come yet. */
export const AWAITED = 8
/** It cannot be read. */
export const LOST = DAMAGED | GONE | AWAITED

/* `whole`: everything its segment lists is in `object`. `since`: when it was committed. `bytes` is
 * what it was written with, `live` and `live_bytes` what of that is not gone.
 * EXCLUSIVE: nobody else opens it, and a question need not take and release the file's locks, which
 * costs more than most answers. */
export const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA cache_size = -16384;
  CREATE TABLE IF NOT EXISTS pack (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, whole INTEGER NOT NULL DEFAULT 0,
    since INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
    live INTEGER NOT NULL DEFAULT 0, live_bytes INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE IF NOT EXISTS object (
    digest BLOB NOT NULL, pack INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    state INTEGER NOT NULL, PRIMARY KEY (digest, pack)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS odd ON object (pack, state) WHERE state <> 0;
  CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS about (
    one INTEGER PRIMARY KEY CHECK (one = 1), objects INTEGER NOT NULL, bytes INTEGER NOT NULL,
    store TEXT) STRICT;
  INSERT OR IGNORE INTO about VALUES (1, 0, 0, NULL);
  PRAGMA user_version = ${VERSION}`

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

export interface PackRow {
  readonly number: number
  readonly whole: number
  readonly live: number
}

export interface CopyRow {
  readonly number: number
  readonly pack: string
  readonly offset: number
  readonly length: number
  readonly state: number
}

export type Queries = ReturnType<typeof queriesOf>

export function queriesOf(database: DatabaseSync) {
  const query = <Row = never>(sql: string) => new Query<Row>(database, sql)
  return {
    sound: query<{ length: number }>(
      'SELECT length FROM object WHERE digest = ? AND state = 0 LIMIT 1',
    ),
    copies: query<CopyRow>(
      `SELECT object.pack AS number, pack.id AS pack, offset, length, state
       FROM object JOIN pack ON pack.number = object.pack WHERE digest = ? ORDER BY 1`,
    ),
    page: query<{ digest: Uint8Array; length: number; since: number }>(
      `SELECT digest, length, since FROM object JOIN pack ON pack.number = object.pack
       WHERE digest > ? AND state & ${LOST} = 0 ORDER BY digest LIMIT ?`,
    ),
    odd: query<{ digest: Uint8Array; pack: string }>(
      `SELECT digest, pack.id AS pack FROM object JOIN pack ON pack.number = object.pack
       WHERE state <> 0 AND state & ? <> 0 LIMIT ?`,
    ),
    damaged: query<{ count: number }>(
      `SELECT count(DISTINCT digest) AS count FROM object AS bad
       WHERE state <> 0 AND state & ${LOST} = ${DAMAGED} AND NOT EXISTS (
         SELECT 1 FROM object WHERE digest = bad.digest AND state & ${LOST} = 0)`,
    ),
    addPack: query('INSERT OR IGNORE INTO pack (id) VALUES (?)'),
    pack: query<PackRow>('SELECT number, whole, live FROM pack WHERE id = ?'),
    packs: query<{ id: string; whole: number }>('SELECT id, whole FROM pack ORDER BY id'),
    completePack: query('UPDATE pack SET whole = 1, since = ? WHERE number = ?'),
    growPack: query(
      `UPDATE pack SET bytes = bytes + ?, live = live + ?, live_bytes = live_bytes + ?
       WHERE number = ?`,
    ),
    empty: query<{ id: string }>('SELECT id FROM pack WHERE whole = 1 AND live <= 0'),
    dropPack: query('DELETE FROM pack WHERE number = ?'),
    dropTombs: query(`DELETE FROM object WHERE state <> 0 AND state & ${GONE} <> 0 AND pack = ?`),
    dropStrays: query('DELETE FROM object WHERE pack NOT IN (SELECT number FROM pack)'),
    oddIn: query<{ count: number }>(
      'SELECT count(*) AS count FROM object WHERE state <> 0 AND pack = ?',
    ),
    sparse: query<{ id: string; live: number; bytes: number; since: number }>(
      `SELECT id, live, live_bytes AS bytes, since FROM pack
       WHERE whole = 1 AND bytes - live_bytes > ? * bytes ORDER BY id`,
    ),
    withDamage: query<{ id: string; live: number; bytes: number; since: number }>(
      `SELECT id, live, live_bytes AS bytes, since FROM pack WHERE whole = 1 AND number IN (
         SELECT pack FROM object WHERE state <> 0 AND state & ${DAMAGED} <> 0) ORDER BY id`,
    ),
    small: query<{ id: string; live: number; bytes: number; since: number }>(
      `SELECT id, live, live_bytes AS bytes, since FROM pack
       WHERE whole = 1 AND bytes < ? ORDER BY id`,
    ),
    room: query<{ packs: number; dead: number }>(
      `SELECT count(*) AS packs, coalesce(sum(bytes - live_bytes), 0) AS dead FROM pack
       WHERE live > 0`,
    ),
    addObject: query('INSERT INTO object VALUES (?, ?, ?, ?, ?)'),
    placeObject: query(
      'UPDATE object SET offset = ?, length = ?, state = ? WHERE digest = ? AND pack = ?',
    ),
    setState: query('UPDATE object SET state = ? WHERE digest = ? AND pack = ?'),
    dropObject: query('DELETE FROM object WHERE digest = ? AND pack = ?'),
    placedIn: query<{ digest: Uint8Array; offset: number; length: number }>(
      `SELECT digest, offset, length FROM object
       WHERE pack = (SELECT number FROM pack WHERE id = ?) AND state & ${GONE | AWAITED} = 0`,
    ),
    mark: query<{ name: string }>('SELECT name FROM mark WHERE name = ?'),
    marks: query<{ name: string }>('SELECT name FROM mark'),
    addMark: query('INSERT OR IGNORE INTO mark VALUES (?)'),
    dropMark: query('DELETE FROM mark WHERE name = ?'),
    about: query<{ objects: number; bytes: number; store: string | null }>(
      'SELECT objects, bytes, store FROM about',
    ),
    count: query('UPDATE about SET objects = objects + ?, bytes = bytes + ?'),
    recount: query(
      `UPDATE about SET (objects, bytes) = (
         SELECT count(*), coalesce(sum(length), 0) FROM (
           SELECT max(length) AS length FROM object WHERE state & ${LOST} = 0 GROUP BY digest))`,
    ),
    nameStore: query('UPDATE about SET store = ?'),
  }
}

export function isReadable({ state }: CopyRow): boolean {
  return (state & LOST) === 0
}
