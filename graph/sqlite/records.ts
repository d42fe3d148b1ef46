/* Which records begin so? Expired ones are absent, swept or not. */
import type { Json, LedgerRecord } from '../ledger.ts'
import { AT_MOST, type Database } from './database.ts'
import { endOf } from './prefix.ts'

const RECORDS = `SELECT key, value, version, expires FROM record
  WHERE key >= :prefix AND key < :end AND key > :after AND (expires IS NULL OR expires > :now)
  ORDER BY key ${AT_MOST}`

const ALL = -1

export function findRecords(
  database: Database,
  prefix: string,
  { after = '', limit = ALL }: { after?: string; limit?: number },
  now: number,
): LedgerRecord[] {
  const rows = database.sql(RECORDS).all({ prefix, end: endOf(prefix), after, limit, now })
  return rows.map(row => ({
    key: row.key as string,
    value: JSON.parse(row.value as string) as Json,
    version: row.version as number,
    ...(row.expires === null ? {} : { expires: row.expires as number }),
  }))
}
