/* Which version a folder holds: noted when it was fetched or pushed, so that the next push says what
 * it was made from. Kept beside the CLI's other memories and never in the folder itself, which would
 * change its content. */
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Held {
  /** Of the server and the workspace that the entity is in. */
  readonly endpoint: string
  readonly workspace: string
  readonly entity: string
}

interface Row extends Held {
  readonly folder: string
}

/** Folders that are remembered, those used last. */
const ROWS_MAX = 1000

export function rememberFolder(stateHome: string, folder: string, held: Held): void {
  const path = realpathSync(folder)
  const others = rowsIn(stateHome).filter(row => !isOf(row, path, held))
  const rows = [{ folder: path, ...held }, ...others].slice(0, ROWS_MAX)
  const part = join(stateHome, 'kaos', `.folders.${process.pid}`)
  try {
    mkdirSync(join(stateHome, 'kaos'), { recursive: true, mode: 0o700 })
    writeFileSync(part, `${JSON.stringify(rows)}\n`, { mode: 0o600 })
    renameSync(part, fileIn(stateHome))
  } catch {
    // It is a help, not a need: the next push then derives from the newest version.
    rmSync(part, { force: true })
  }
}

/** The entity that the folder was fetched or pushed as. */
export function heldIn(
  stateHome: string,
  folder: string,
  where: Omit<Held, 'entity'>,
): string | undefined {
  const path = realpathSync(folder)
  return rowsIn(stateHome).find(row => isOf(row, path, where))?.entity
}

function isOf(row: Row, folder: string, { endpoint, workspace }: Omit<Held, 'entity'>): boolean {
  return row.folder === folder && row.endpoint === endpoint && row.workspace === workspace
}

function rowsIn(stateHome: string): Row[] {
  try {
    const rows: unknown = JSON.parse(readFileSync(fileIn(stateHome), 'utf8'))
    return Array.isArray(rows) ? rows.filter(isRow) : []
  } catch {
    return []
  }
}

function isRow(row: unknown): row is Row {
  if (typeof row !== 'object' || row === null) return false
  const { folder, endpoint, workspace, entity } = row as Record<string, unknown>
  return [folder, endpoint, workspace, entity].every(one => typeof one === 'string')
}

function fileIn(stateHome: string): string {
  return join(stateHome, 'kaos', 'folders.json')
}
