/* Journals: the log of each running attempt, or what was measured of it, as far as it was
 * acknowledged, one file each. An acknowledged byte is on the disk. When the outcome is recorded the
 * journal is a stored file, and goes from here. */
import { mkdir, open, readdir, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { KaosError } from '../../api/errors.ts'
import { openTurns } from '../jobs/turns.ts'

export interface Journals {
  /** Appends what comes, which begins at this offset of the journal; answers the new end, durable.
   * What was acknowledged before is skipped; a gap is a CONFLICT that names the expected offset.
   * `readable` is told when it can be read, which may be before it is durable. */
  append(
    attempt: string,
    offset: number,
    bytes: AsyncIterable<Uint8Array>,
    readable: () => void,
  ): Promise<number>
  /** From an offset to the end as it is now; nothing when there is no journal. */
  read(attempt: string, offset: number): AsyncGenerator<Uint8Array>
  remove(attempt: string): Promise<void>
  /** Removes all journals but these. */
  keepOnly(attempts: ReadonlySet<string>): Promise<void>
}

/** More than runners keep of a log (LOG_MAX), and their last line. */
export const JOURNAL_MAX = 65 * 1024 * 1024
const READ_BYTES = 64 * 1024
const ENDING = '.log'

export async function openJournals(folder: string): Promise<Journals> {
  const turns = openTurns()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await syncFolder(folder)
  const pathOf = (attempt: string): string => join(folder, `${attempt}${ENDING}`)

  async function append(
    attempt: string,
    offset: number,
    bytes: AsyncIterable<Uint8Array>,
    readable: () => void,
  ): Promise<number> {
    return turns.take(attempt, async () => {
      const fresh = !(await exists(pathOf(attempt)))
      const file = await open(pathOf(attempt), 'a', 0o600)
      try {
        const { size } = await file.stat()
        if (offset > size) throw gap(attempt, offset, size)
        const end = await appended(file, size, offset, bytes)
        readable()
        await file.sync()
        if (fresh) await syncFolder(folder)
        return end
      } finally {
        await file.close()
      }
    })
  }

  return {
    append,
    read: (attempt, offset) => readFrom(pathOf(attempt), offset),
    remove: attempt => turns.take(attempt, () => unlink(pathOf(attempt)).catch(absentFile)),
    async keepOnly(attempts) {
      const names = await readdir(folder)
      const old = names.filter(name => !attempts.has(name.slice(0, -ENDING.length)))
      for (const name of old) await rm(join(folder, name), { force: true })
    },
  }
}

async function appended(
  file: Awaited<ReturnType<typeof open>>,
  size: number,
  offset: number,
  bytes: AsyncIterable<Uint8Array>,
): Promise<number> {
  let end = size
  let known = size - offset
  for await (const chunk of bytes) {
    const fresh = chunk.subarray(Math.min(known, chunk.length))
    known -= chunk.length - fresh.length
    if (end + fresh.length > JOURNAL_MAX) {
      throw tooLong()
    }
    if (fresh.length > 0) await file.appendFile(fresh)
    end += fresh.length
  }
  return end
}

async function* readFrom(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r').catch(absentFile)
  if (!file) return
  try {
    for (let at = offset; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

function absentFile(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(absentFile)) !== undefined
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export function tooLong(): KaosError {
  return new KaosError('TOO_LARGE', `the journal of an attempt ends at ${JOURNAL_MAX} bytes`)
}

export function gap(attempt: string, offset: number, expected: number): KaosError {
  const message = `the journal of attempt ${attempt} ends at ${expected}, not at ${offset}`
  return new KaosError('CONFLICT', message, { detail: { offset: expected } })
}
