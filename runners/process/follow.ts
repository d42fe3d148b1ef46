/* Follows a log file while a program writes it. */
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const PIECE = 256 * 1024
const LOOK_MS = 100

/** Pieces of the file from an offset on, until `ended` was true before the last look. */
export async function* followFile(
  path: string,
  offset: number,
  signal: AbortSignal,
  ended: () => boolean,
): AsyncIterable<Uint8Array> {
  const file = await openWhenThere(path, signal, ended)
  if (file === undefined) return
  try {
    for (let at = offset; !signal.aborted; ) {
      const last = ended()
      const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE), 0, PIECE, at)
      if (bytesRead > 0) {
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      } else if (last) return
      else await pause(signal)
    }
  } finally {
    await file.close()
  }
}

async function openWhenThere(path: string, signal: AbortSignal, ended: () => boolean) {
  while (!signal.aborted) {
    const last = ended()
    try {
      return await open(path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      if (last) return undefined
      await pause(signal)
    }
  }
  return undefined
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
}
