/* Where do the pointers stand, now or after a statement of the past? */
import type { Pointer } from '../ledger.ts'
import { AT_MOST, type Database } from './database.ts'
import { endOf } from './prefix.ts'

const NOW = `SELECT name, target, from_seq, at FROM pointer
  WHERE to_seq IS NULL AND name >= :from AND name < :end AND name > :after ORDER BY name ${AT_MOST}`

const THEN = `SELECT name, target, from_seq, at FROM pointer
  WHERE name >= :from AND name < :end AND name > :after AND from_seq <= :asOf AND (to_seq IS NULL OR to_seq > :asOf)
  ORDER BY name ${AT_MOST}`

const ALL = -1

export function findPointers(
  database: Database,
  prefix: string,
  { asOf, after = '', limit = ALL }: { asOf?: number; after?: string; limit?: number } = {},
): Pointer[] {
  const range = { from: prefix, end: endOf(prefix), after, limit }
  const rows =
    asOf === undefined ? database.sql(NOW).all(range) : database.sql(THEN).all({ ...range, asOf })
  return rows.map(row => ({
    name: row.name as string,
    target: row.target as string,
    seq: row.from_seq as number,
    at: new Date(row.at as number).toISOString(),
  }))
}
