/* The log of a place, which something else keeps up: read and followed from its file. */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { KaosError } from '../api/errors.ts'
import type { Place } from './runner.ts'

const DISK_CODES = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EFBIG']

/** What keeps `dir/log` up. */
export interface Growing {
  /** Whether nothing more will be written. */
  readonly ended: boolean
  /** Why the log could not be kept; undefined while all is well. */
  readonly failure: KaosError | undefined
  /** Changes whenever the file has grown. */
  readonly growth: number
  /** Resolves when the file may have grown, nothing more will come or the signal says so. */
  change(signal: AbortSignal): Promise<void>
}

/** What a write has met, if it is the disk. */
export function diskFailure(cause: unknown, place: Place): KaosError | undefined {
  const { code } = cause as { code?: string }
  if (code === undefined || !DISK_CODES.includes(code)) return undefined
  const message = `the log in ${place.dir} cannot be written (${code}); free room on that disk`
  return new KaosError('STORAGE_FULL', message, { cause })
}

/** The log's file from an offset on, until the pump has ended; without one, what is there. */
export async function* readLog(
  place: Place,
  offset: number,
  pump: Growing | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const path = join(place.dir, 'log')
  let at = offset
  while (!signal.aborted) {
    const ended = pump?.ended ?? true
    const growth = pump?.growth
    for await (const piece of piecesOf(path, at)) {
      at += piece.length
      yield piece
      if (signal.aborted) return
    }
    if (pump?.failure !== undefined) throw pump.failure
    if (ended) return
    if (pump?.growth === growth) await pump?.change(signal)
  }
}

async function* piecesOf(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const size = await stat(path).then(
    found => found.size,
    () => 0,
  )
  if (size <= offset) return
  const file = await open(path)
  try {
    for (let at = offset; at < size; ) {
      const piece = Buffer.allocUnsafe(Math.min(64 * 1024, size - at))
      const { bytesRead } = await file.read(piece, 0, piece.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
