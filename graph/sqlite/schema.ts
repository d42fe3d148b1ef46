/* The tables, and how an older file becomes one of today.
 *
 * `statement` is the log. `node`, `edge` and `pointer` are its projection and can be rebuilt from
 * it. `record` stands beside the log. `head` is one row: how long the log is, the frontier of its
 * Merkle tree, the ledger's clock and the last version that was given to a record. */

import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { Older } from '../keep-copy.ts'
import type { Relation } from '../ledger.ts'
import type { Database } from './database.ts'

/** How relations stand in the file. Never change a number. */
export const RELATION_CODES = {
  used: 1,
  wasGeneratedBy: 2,
  wasDerivedFrom: 3,
  wasAssociatedWith: 4,
  wasAttributedTo: 5,
  wasInformedBy: 6,
  hadMember: 7,
} as const satisfies Record<Relation, number>

const RELATION_NAMES = new Map(
  Object.entries(RELATION_CODES).map(([name, code]) => [code as number, name as Relation]),
)

export function relationOf(code: unknown): Relation {
  const relation = RELATION_NAMES.get(code as number)
  if (relation === undefined)
    throw new KaosError('INTERNAL', `unknown relation ${code} in the file`)
  return relation
}

/** The tables of the projection, in the main schema or beside it while the log is checked. `n` grows
 * with `seq`. Reading upstream walks the edge table itself, downstream its index; both hold `seq`,
 * so a question about the past needs no further look-up. */
export function projectionTables(schema: 'main' | 'temp'): string {
  return `
    CREATE TABLE ${schema}.node (
      n INTEGER PRIMARY KEY,
      id TEXT NOT NULL, class TEXT NOT NULL, kind TEXT NOT NULL,
      organisation TEXT NOT NULL, workspace TEXT, digest TEXT, name TEXT,
      seq INTEGER NOT NULL, at INTEGER NOT NULL, attributes TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX ${schema}.node_id ON node (id);
    CREATE TABLE ${schema}.edge (
      src INTEGER NOT NULL, rel INTEGER NOT NULL, dst INTEGER NOT NULL,
      role TEXT, seq INTEGER NOT NULL,
      PRIMARY KEY (src, rel, dst)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ${schema}.pointer (
      name TEXT NOT NULL, target TEXT NOT NULL, at INTEGER NOT NULL,
      from_seq INTEGER NOT NULL, to_seq INTEGER,
      PRIMARY KEY (name, from_seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX ${schema}.pointer_current ON pointer (name) WHERE to_seq IS NULL;`
}

const FIRST_TABLES = `
  CREATE TABLE meta (id TEXT NOT NULL, schema INTEGER NOT NULL) STRICT;
  CREATE TABLE statement (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, salt BLOB, leaf BLOB NOT NULL, payload TEXT
  ) STRICT;
  ${projectionTables('main')}
  CREATE INDEX node_kind ON node (organisation, kind, seq);
  CREATE INDEX node_workspace ON node (organisation, workspace, seq);
  CREATE INDEX node_place ON node (organisation, workspace, kind, seq);
  CREATE INDEX node_name ON node (name, seq) WHERE name IS NOT NULL;
  CREATE INDEX node_digest ON node (digest, seq) WHERE digest IS NOT NULL;
  CREATE UNIQUE INDEX edge_reverse ON edge (dst, rel, src, seq);
  CREATE TABLE record (
    key TEXT NOT NULL UNIQUE, value TEXT NOT NULL, version INTEGER NOT NULL, expires INTEGER
  ) STRICT;
  CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL;
  CREATE TABLE head (
    size INTEGER NOT NULL, peaks BLOB NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL
  ) STRICT;
  INSERT INTO head VALUES (0, x'', 0, 0);`

/** Makes the next schema out of the one before it. */
export type Step = (database: Database) => void

/** Step i makes schema i + 1 out of schema i. Steps are only ever added. */
export const STEPS: readonly Step[] = [
  database => {
    database.exec(FIRST_TABLES)
    database.sql('INSERT INTO meta VALUES (?, 0)').run(newId())
  },
  // A whole workspace is asked for by its kinds: node_place has them in the same order, and a sixth of
  // what a commit cost went into this index.
  database => database.exec('DROP INDEX node_workspace'),
]

/** What the file holds if that is a ledger of an older kaos: a copy is to be kept of it. */
export function olderIn(
  database: Database,
  file: string,
  steps: readonly Step[] = STEPS,
): Older | undefined {
  const schema = schemaOf(database, file)
  if (schema === 0 || schema >= steps.length) return undefined
  return { schema, size: database.sql('SELECT size FROM head').get()?.size as number }
}

/** Brings the file to today's schema. Each step is one transaction, so a migration that was killed
 * goes on at the next start. A file of a newer kaos, or of another program, is left as it is. */
export function migrate(database: Database, file: string, steps: readonly Step[] = STEPS): void {
  for (let done = false; !done; ) {
    database.exec('BEGIN IMMEDIATE')
    try {
      done = takeStep(database, file, steps)
      database.exec('COMMIT')
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

/** Takes the next step; true when there is none. */
function takeStep(database: Database, file: string, steps: readonly Step[]): boolean {
  const found = schemaOf(database, file)
  if (found > steps.length) {
    throw new KaosError(
      'SCHEMA_NEWER',
      `${file} was written by a newer kaos (schema ${found}, this one knows ${steps.length}); start that version`,
      { detail: { found, known: steps.length } },
    )
  }
  const step = steps[found]
  if (step === undefined) return true
  step(database)
  database.sql('UPDATE meta SET schema = ?').run(found + 1)
  return false
}

function schemaOf(database: Database, file: string): number {
  const tables = database.sql("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  if (tables.length === 0) return 0
  const meta = tables.some(table => table.name === 'meta')
  const schema = meta ? database.sql('SELECT * FROM meta').get()?.schema : undefined
  if (typeof schema === 'number') return schema
  throw new KaosError('CONFIGURATION', `${file} is no ledger of kaos; name another file`)
}
