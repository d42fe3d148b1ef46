/* What does the log say, from a number on? */
import type { LogEntry } from '../ledger.ts'
import { AT_MOST, type Database } from './database.ts'

const LOG = `SELECT seq, at, salt, leaf, payload FROM statement
  WHERE seq >= :from ORDER BY seq ${AT_MOST}`

const LEAVES = `SELECT seq, at, NULL AS salt, leaf, NULL AS payload FROM statement
  WHERE seq >= :from ORDER BY seq ${AT_MOST}`

export function readLog(
  database: Database,
  from: number,
  limit: number,
  { leaves = false }: { leaves?: boolean } = {},
): LogEntry[] {
  const rows = database.sql(leaves ? LEAVES : LOG).all({ from, limit: Math.max(0, limit) })
  return rows.map(row => ({
    seq: row.seq as number,
    at: new Date(row.at as number).toISOString(),
    leaf: hexOf(row.leaf as Uint8Array),
    payload: row.payload as string | null,
    salt: row.salt === null ? null : hexOf(row.salt as Uint8Array),
  }))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
