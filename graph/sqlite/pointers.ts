/* Where do the pointers stand, now or after a statement of the past? */
import type { Pointer } from '../ledger.ts'
import type { Database } from './database.ts'
import { endOf } from './prefix.ts'

const NOW = `SELECT name, target, from_seq, at FROM pointer
  WHERE to_seq IS NULL AND name >= :from AND name < :end ORDER BY name LIMIT :limit`

const THEN = `SELECT name, target, from_seq, at FROM pointer
  WHERE name >= :from AND name < :end AND from_seq <= :asOf AND (to_seq IS NULL OR to_seq > :asOf)
  ORDER BY name LIMIT :limit`

const ALL = -1

export function findPointers(
  database: Database,
  prefix: string,
  { asOf, limit }: { asOf?: number; limit?: number } = {},
): Pointer[] {
  const range = { from: prefix, end: endOf(prefix), limit: limit ?? ALL }
  const rows =
    asOf === undefined ? database.sql(NOW).all(range) : database.sql(THEN).all({ ...range, asOf })
  return rows.map(row => ({
    name: row.name as string,
    target: row.target as string,
    seq: row.from_seq as number,
    at: new Date(row.at as number).toISOString(),
  }))
}
