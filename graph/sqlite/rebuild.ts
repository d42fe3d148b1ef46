/* The projection anew from the log, in place: in one transaction, so it is the old one or the new one.
 * What erased statements made cannot be rebuilt and is kept. */
import { KaosError } from '../../api/errors.ts'
import { makeDurable, openDatabase } from './database.ts'
import { migrate } from './schema.ts'
import { rebuiltInto } from './verify.ts'

/* Numbers grow with the statements, also beside what erased statements made. */
const MOVE = `
  CREATE TEMP TABLE kept AS
    SELECT f.id AS f, e.rel, g.id AS g, e.role, e.seq FROM main.edge e
      JOIN main.node f ON f.n = e.src JOIN main.node g ON g.n = e.dst
    WHERE e.seq IN (SELECT seq FROM temp.erased);
  CREATE TEMP TABLE standing AS
    SELECT * FROM main.pointer WHERE from_seq IN (SELECT seq FROM temp.erased);
  CREATE TEMP TABLE place AS
    SELECT n AS was, row_number() OVER (ORDER BY seq, n) AS n FROM temp.node;
  CREATE UNIQUE INDEX temp.place_was ON place (was);
  DELETE FROM main.edge; DELETE FROM main.node; DELETE FROM main.pointer;
  INSERT INTO main.node
    SELECT p.n, id, class, kind, organisation, workspace, digest, name, seq, at, attributes
    FROM temp.node t JOIN temp.place p ON p.was = t.n ORDER BY p.n;
  INSERT INTO main.edge
    SELECT s.n, rel, d.n, role, seq FROM temp.edge e
      JOIN temp.place s ON s.was = e.src JOIN temp.place d ON d.was = e.dst;
  INSERT OR IGNORE INTO main.edge
    SELECT f.n, k.rel, g.n, k.role, k.seq FROM temp.kept k
      JOIN main.node f ON f.id = k.f JOIN main.node g ON g.id = k.g;
  INSERT INTO main.pointer SELECT * FROM temp.pointer;
  INSERT OR IGNORE INTO main.pointer SELECT * FROM temp.standing;`

/** Answers what was wrong before. LEDGER_DAMAGED when the log itself is: then nothing is changed. */
export function rebuildProjection(file: string): string[] {
  const database = openDatabase(file)
  try {
    makeDurable(database, file)
    migrate(database, file)
    database.exec('BEGIN IMMEDIATE')
    try {
      const { log, projection } = rebuiltInto(database)
      if (log.length > 0) {
        const message = `the log is damaged, so the graph cannot be built from it: ${log[0]}`
        throw new KaosError('LEDGER_DAMAGED', `${message}; restore the ledger from a backup`)
      }
      database.exec(MOVE)
      database.exec('COMMIT')
      return projection
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK')
      throw error
    }
  } finally {
    database.close()
  }
}
