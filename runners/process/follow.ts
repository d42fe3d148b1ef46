/* Follows a log file while a program writes it. */
import { open } from 'node:fs/promises'
import { FileChanges } from './file-changes.ts'

const PIECE = 256 * 1024
const LOOK_MS = 100

/** Pieces of the file from an offset on, until `ended` was true before the last look. Something
 * happens to the file `ending` when it has ended. */
export async function* followFile(
  path: string,
  offset: number,
  signal: AbortSignal,
  ended: () => boolean,
  ending: string,
): AsyncIterable<Uint8Array> {
  const changes = new FileChanges(path, ending)
  try {
    yield* follow(path, offset, { signal, ended, changes })
  } finally {
    changes.close()
  }
}

interface Following {
  readonly signal: AbortSignal
  readonly ended: () => boolean
  readonly changes: FileChanges
}

async function* follow(path: string, offset: number, following: Following) {
  const { signal, ended, changes } = following
  const file = await openWhenThere(path, following)
  if (file === undefined) return
  try {
    for (let at = offset; !signal.aborted; ) {
      const last = ended()
      const length = Math.min(PIECE, (await file.stat()).size - at)
      if (length > 0) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at)
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      } else if (last) return
      else await changes.next(LOOK_MS, signal)
    }
  } finally {
    await file.close()
  }
}

async function openWhenThere(path: string, { signal, ended, changes }: Following) {
  while (!signal.aborted) {
    const last = ended()
    try {
      return await open(path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      if (last) return undefined
      await changes.next(LOOK_MS, signal)
    }
  }
  return undefined
}
