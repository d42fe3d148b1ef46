/* What the last listing of a group showed, so that `-i 0` means its first row. Each row knows its
 * workspace: after a change of workspace an index of the old listing means nothing. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KaosError } from '../api/errors.ts'

export const GROUPS = [
  'train',
  'serve',
  'workspace',
  'backend',
  'template',
  'user',
  'token',
] as const
export type Group = (typeof GROUPS)[number]

/** The command whose listing an index of the group refers to. */
const LISTED_BY: Record<Group, string> = {
  train: 'kaos train list',
  serve: 'kaos serve list',
  workspace: 'kaos workspace list',
  backend: 'kaos build list',
  template: 'kaos template list',
  user: 'kaos admin user list',
  token: 'kaos admin token list',
}

interface Row {
  readonly id: string
  readonly workspace?: string
}

export function remember(
  folder: string | undefined,
  group: Group,
  ids: readonly string[],
  workspace?: string,
): void {
  if (folder === undefined) return
  const rows: Row[] = ids.map(id => (workspace === undefined ? { id } : { id, workspace }))
  writeFileSync(fileOf(folder, group), `${JSON.stringify(rows)}\n`, { mode: 0o600 })
}

/** Whether there is a listing that an index can be taken from. */
export function isListed(folder: string | undefined, group: Group, workspace?: string): boolean {
  const rows = folder === undefined ? undefined : rowsOf(fileOf(folder, group))
  return rows?.every(row => row.workspace === workspace) ?? false
}

/** The id of that row; says which list to run when there is no such row. */
export function recall(
  folder: string | undefined,
  group: Group,
  index: number,
  workspace?: string,
): string {
  const rows = folder === undefined ? undefined : rowsOf(fileOf(folder, group))
  if (rows === undefined || !isListed(folder, group, workspace)) {
    const list = LISTED_BY[group]
    throw new KaosError(
      'BAD_REQUEST',
      `there is no listing to take index ${index} from; run ${list}`,
    )
  }
  return rowAt(rows, group, index).id
}

/** The row of that index. Also for listings that need no cache. */
export function rowAt<T>(rows: readonly T[], group: Group, index: number): T {
  const row = rows[index]
  if (row !== undefined) return row
  const last = `the last listing has ${rows.length === 0 ? 'no rows' : `0 to ${rows.length - 1}`}`
  const next = `see them again with ${LISTED_BY[group]}`
  throw new KaosError('BAD_REQUEST', `index ${index} does not exist; ${last}, ${next}`)
}

/** Forgets the listings of these groups. */
export function forget(folder: string | undefined, groups: readonly Group[] = GROUPS): void {
  if (folder === undefined) return
  for (const group of groups) rmSync(fileOf(folder, group), { force: true })
}

function fileOf(folder: string, group: Group): string {
  return join(folder, `.${group}.cache`)
}

function rowsOf(file: string): Row[] | undefined {
  try {
    const rows: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(rows) && rows.every(isRow) ? rows : undefined
  } catch {
    return undefined
  }
}

function isRow(row: unknown): row is Row {
  return typeof row === 'object' && row !== null && 'id' in row && typeof row.id === 'string'
}
