/* Compares the stored projection with the one that was built anew in temporary tables, row by row in
 * both directions. Rows are matched by ids: numbers of nodes may differ where something is erased.
 * Each query returns one finished sentence per difference. */
import type { Database } from './database.ts'
import type { Findings } from './findings.ts'
import { RELATION_CODES } from './schema.ts'

/** The relation of an edge as a word; a number that is no relation as it stands. */
function relationWord(edge: string): string {
  const words = Object.entries(RELATION_CODES).map(([word, code]) => `WHEN ${code} THEN '${word}'`)
  return `CASE ${edge}.rel ${words.join(' ')} ELSE ${edge}.rel END`
}

/** What an erased statement wrote can not be compared. */
const COMPARABLE = 'NOT IN (SELECT seq FROM temp.erased)'

const NODES_CHANGED = `
  SELECT 'node ' || m.id ||
    CASE WHEN t.id IS NULL THEN ' is not in the log' ELSE ' is not what the log says' END AS sentence
  FROM main.node m LEFT JOIN temp.node t ON t.id = m.id
  WHERE m.seq ${COMPARABLE} AND
    (m.class, m.kind, m.organisation, m.workspace, m.digest, m.name, m.seq, m.at, m.attributes)
    IS NOT
    (t.class, t.kind, t.organisation, t.workspace, t.digest, t.name, t.seq, t.at, t.attributes)`

const NODES_MISSING = `
  SELECT 'node ' || t.id || ' of statement ' || t.seq || ' is missing in the graph' AS sentence
  FROM temp.node t WHERE NOT EXISTS (SELECT 1 FROM main.node m WHERE m.id = t.id)`

const EDGES_CHANGED = `
  SELECT 'edge ' || coalesce(f.id, '?') || ' to ' || coalesce(g.id, '?') || ' (' || ${relationWord('m')} ||
    ', statement ' || m.seq || ') is not what the log says' AS sentence
  FROM main.edge m
    LEFT JOIN main.node f ON f.n = m.src LEFT JOIN main.node g ON g.n = m.dst
    LEFT JOIN temp.node tf ON tf.id = f.id LEFT JOIN temp.node tg ON tg.id = g.id
    LEFT JOIN temp.edge t ON t.src = tf.n AND t.rel = m.rel AND t.dst = tg.n
  WHERE m.seq ${COMPARABLE} AND (m.seq, m.role) IS NOT (t.seq, t.role)`

const EDGES_MISSING = `
  SELECT 'edge ' || f.id || ' to ' || g.id || ' (' || ${relationWord('t')} || ') of statement ' || t.seq ||
    ' is missing in the graph' AS sentence
  FROM temp.edge t JOIN temp.node f ON f.n = t.src JOIN temp.node g ON g.n = t.dst
  WHERE NOT EXISTS (
    SELECT 1 FROM main.node mf CROSS JOIN main.node mg CROSS JOIN main.edge m
    WHERE mf.id = f.id AND mg.id = g.id AND m.src = mf.n AND m.rel = t.rel AND m.dst = mg.n)`

// A pointer that an erased statement moved away or anew ends there, but the log can not say so.
const POINTERS_CHANGED = `
  SELECT 'pointer ' || m.name || ' since statement ' || m.from_seq ||
    ' is not what the log says' AS sentence
  FROM main.pointer m LEFT JOIN temp.pointer t ON t.name = m.name AND t.from_seq = m.from_seq
  WHERE m.from_seq ${COMPARABLE} AND (
    (m.target, m.at) IS NOT (t.target, t.at)
    OR (m.to_seq IS NOT t.to_seq AND (m.to_seq IS NULL OR m.to_seq ${COMPARABLE})))`

const POINTERS_MISSING = `
  SELECT 'pointer ' || t.name || ' since statement ' || t.from_seq ||
    ' is missing in the graph' AS sentence
  FROM temp.pointer t WHERE NOT EXISTS (
    SELECT 1 FROM main.pointer m WHERE m.name = t.name AND m.from_seq = t.from_seq)`

const QUESTIONS = [
  NODES_CHANGED,
  NODES_MISSING,
  EDGES_CHANGED,
  EDGES_MISSING,
  POINTERS_CHANGED,
  POINTERS_MISSING,
]

export function compareProjection(database: Database, findings: Findings): void {
  for (const question of QUESTIONS) {
    for (const row of database.sql(question).iterate()) findings.add(row.sentence as string)
  }
}
