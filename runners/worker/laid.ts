/* Trees as they lie on disk. All times are those of the cache, also of the folders, so what somebody
 * wrote, added or took away shows. */
import { lstatSync, type Stats, utimesSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isUntouched, TIME_MS, TIME_S } from './file-cache.ts'
import { Turns } from './turns.ts'

export function setTimes(folder: string): void {
  utimesSync(folder, TIME_S, TIME_S)
}

/** Whether a tree is there; not whether it is as it was. */
export function isThere(tree: string): boolean {
  return lstatSync(tree, { throwIfNoEntry: false }) !== undefined
}

/** Whether nobody has touched anything in the tree since it was laid out. */
export async function isAsLaid(tree: string): Promise<boolean> {
  for await (const { stats } of within(tree)) {
    if (stats.isDirectory() ? stats.mtimeMs !== TIME_MS : !isUntouched(stats)) return false
  }
  return true
}

/** The folder and all below it. */
export async function* within(
  folder: string,
  turns = new Turns(),
): AsyncGenerator<{ path: string; stats: Stats }, void, undefined> {
  yield { path: folder, stats: lstatSync(folder) }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    await turns.take()
    if (entry.isDirectory()) yield* within(path, turns)
    else yield { path, stats: lstatSync(path) }
  }
}
