/* Files that may change while they are sent: looked at, read, and looked at again. */
import type { BigIntStats } from 'node:fs'
import { statsOf } from './survey.ts'
import { refused } from './walk.ts'

/** A file as it was when it was looked at. */
export interface Seen {
  readonly name: string
  readonly path: string
  readonly source: string
  readonly at: number
  readonly stats: BigIntStats
}

export function seenNow(name: string, path: string, source: string): Seen {
  // The time first: a file that changes after it is in doubt.
  return { name, path, source, at: Date.now(), stats: fileStats(path, source) }
}

export function fileStats(path: string, source: string): BigIntStats {
  const stats = statsOf(path, source)
  if (!stats.isFile()) throw refused(path, 'is no longer a file', 'try again')
  return stats
}

/** What came of reading a file; once more if it changed meanwhile, but not for ever. */
export async function settled<T>(path: string, read: () => Promise<T | 'changed'>): Promise<T> {
  for (let tries = 2; tries > 0; tries--) {
    const result = await read()
    if (result !== 'changed') return result
  }
  throw refused(path, 'changes while it is read', 'stop what writes to it, then try again')
}
