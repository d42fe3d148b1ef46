/** Writing small files whole or not at all. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** As JSON, for nobody else to read: there after a power loss as well. */
export function writeDurably(path: string, value: unknown): void {
  write(path, value, { flush: true })
  syncFolder(dirname(path))
}

/** The same for what is of no use once this host has started again: there after a crash of this process,
 * and not synced. */
export function writeForThisBoot(path: string, value: unknown): void {
  write(path, value, { flush: false })
}

function write(path: string, value: unknown, { flush }: { readonly flush: boolean }): void {
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, JSON.stringify(value), { mode: 0o600, flush })
  renameSync(temporary, path)
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** What was written so; undefined if nothing was, or if a power loss left holes in what was not synced. */
export function readWritten<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
