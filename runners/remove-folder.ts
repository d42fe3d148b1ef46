/* Folders of attempts: many small ones, and now and then one with all that a program wrote. A call to a
 * thread costs more than what it does to a small file, so it is done here, and others have their turn
 * every few milliseconds. */
import { chmodSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'

const TURN_MS = 2
/** Somebody may still write into it. */
const TRIES = 3

/** A new folder, in place of what may be there; its parent exists. */
export async function emptyFolder(path: string, mode = 0o755): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    await removeFolder(path)
    await mkdir(path, { mode })
  }
}

/** Removes a folder, also one in which a program took its own right to write away. No error if there is
 * none. */
export async function removeFolder(path: string): Promise<void> {
  await remove(path, { until: performance.now() + TURN_MS })
}

interface Turn {
  until: number
}

async function remove(folder: string, turn: Turn): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await removeOnce(folder, turn)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT') return
      if (tries === TRIES || !['EACCES', 'EPERM', 'ENOTEMPTY'].includes(code ?? '')) throw error
      chmodSync(folder, 0o700)
    }
  }
}

async function removeOnce(folder: string, turn: Turn): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await remove(path, turn)
    else unlinkSync(path)
    if (performance.now() < turn.until) continue
    await nextTurn()
    turn.until = performance.now() + TURN_MS
  }
  rmdirSync(folder)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
