/* What the writer keeps in memory between two batches: the one row of `head`. */
import type { Frontier } from '../../api/merkle.ts'
import type { Database } from './database.ts'

export interface State extends Frontier {
  /** The ledger's clock at the last commit, ms since 1970. */
  readonly at: number
  /** The last version given to a record, of any key. */
  readonly version: number
}

const HASH_BYTES = 32

export function loadState(database: Database): State {
  const row = database.sql('SELECT size, peaks, at, version FROM head').get()
  const peaks = Buffer.from(row?.peaks as Uint8Array)
  return {
    size: row?.size as number,
    peaks: Array.from({ length: peaks.length / HASH_BYTES }, (_, i) =>
      peaks.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    ),
    at: row?.at as number,
    version: row?.version as number,
  }
}

export function saveState(database: Database, { size, peaks, at, version }: State): void {
  database
    .sql('UPDATE head SET size = ?, peaks = ?, at = ?, version = ?')
    .run(size, Buffer.concat(peaks), at, version)
}
