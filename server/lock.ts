/* A data folder belongs to one live server. The lock is one that the kernel keeps on an open file
 * (SQLite's exclusive lock), so a server that was killed leaves none behind and nobody has to judge
 * whether a lock is stale. A file beside it tells people who has it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KaosError } from '../api/errors.ts'

export interface Lock {
  release(): void
}

/** LOCKED, naming folder and process, while another server has the folder. */
export function lockFolder(folder: string): Lock {
  const held = new DatabaseSync(join(folder, 'server.lock'), { timeout: 0 })
  const owner = join(folder, 'server.pid')
  try {
    held.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    held.close()
    const { errcode } = cause as { errcode?: number }
    if (errcode !== SQLITE_BUSY) throw cause
    const next = 'stop it, or choose another folder with --data'
    const message = `the data folder ${folder} is in use by the server with pid ${pidIn(owner)}; ${next}`
    throw new KaosError('LOCKED', message, { cause })
  }
  writeFileSync(owner, `${process.pid}\n`)
  return {
    release() {
      rmSync(owner, { force: true })
      held.close()
    },
  }
}

const SQLITE_BUSY = 5

function pidIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
