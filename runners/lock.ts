/* Locks between processes of one host: a file that names its holder. A lock whose holder is dead is
 * nobody's. */
import { readFileSync, rmSync } from 'node:fs'
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../api/ids.ts'
import { lives, nameOf, type ProcessName } from './host-processes.ts'

const LOOK_MS = 200

/** Waits for the lock and answers how to let go of it. `waiting` is told once if it has to wait. */
export async function takeLock(
  path: string,
  signal: AbortSignal,
  waiting: () => void,
): Promise<() => void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const own = `${path}.${newId()}`
  try {
    await writeFile(own, JSON.stringify(nameOf(process.pid)))
    for (let looks = 0; ; looks++) {
      if (await linked(own, path)) return () => rmSync(path, { force: true })
      if (looks === 0) waiting()
      if (!lives(holderOf(path))) await dropStale(path, own)
      await sleep(LOOK_MS, undefined, { signal })
    }
  } finally {
    await rm(own, { force: true })
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

function holderOf(path: string): ProcessName | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessName
  } catch {
    return undefined
  }
}

/** Takes a dead holder's lock away; gives it back if another took it over meanwhile. */
async function dropStale(path: string, own: string): Promise<void> {
  const aside = `${own}.stale`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if (lives(holderOf(aside))) await linked(aside, path)
  await rm(aside, { force: true })
}
