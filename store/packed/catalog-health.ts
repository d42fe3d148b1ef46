/* Whether a file is a sound catalog of this version. */
import type { DatabaseSync } from 'node:sqlite'
import { VERSION } from './catalog-queries.ts'

/** Checking every page takes a second per 100 MB; a larger file is trusted until a page fails. */
const CHECKED_BYTES = 64 * 1024 * 1024

/** Not ours, not sound, or it says what the shelf does not. */
export class StaleCatalog extends Error {}

export function requireSound(database: DatabaseSync): void {
  const number = (name: string) => {
    const row = database.prepare(`PRAGMA ${name}`).get()
    return Object.values(row ?? {})[0]
  }
  const version = number('user_version')
  if (version !== 0 && version !== VERSION) throw new StaleCatalog()
  if (Number(number('page_count')) * Number(number('page_size')) > CHECKED_BYTES) return
  if (number('quick_check(1)') !== 'ok') throw new StaleCatalog()
}

const CORRUPT = 11
const NOT_A_DATABASE = 26

/** Whether the catalog must be built anew. */
export function isDamagedCatalog(error: unknown): boolean {
  if (error instanceof StaleCatalog) return true
  const code = error instanceof Error ? (error as { errcode?: number }).errcode : undefined
  return code !== undefined && [CORRUPT, NOT_A_DATABASE].includes(code & 0xff)
}
