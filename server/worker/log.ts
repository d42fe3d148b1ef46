/* The worker's log: what its process writes, warnings of Node and a last stack included. The worker holds
 * the file open for as long as it lives, so that it loses no word when the server dies; when it has
 * grown large it is copied aside and begun anew. */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Settings } from '../parts.ts'

const FILE_MAX = 32 * 1024 * 1024
const LOOK_MS = 60_000

export function workerLog({ data }: Settings, max = FILE_MAX) {
  const file = join(data, 'logs', 'worker.log')

  function bound(): void {
    try {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= max) return
      copyFileSync(file, `${file}.1`)
      // It is written at its end, wherever that is.
      truncateSync(file)
    } catch {
      // On a full disk it stays as it is.
    }
  }

  const timer = setInterval(bound, LOOK_MS)
  timer.unref()
  return {
    file,
    bound,
    /** Does the work with the file open. */
    opened<T>(work: (descriptor: number) => T): T {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      bound()
      const descriptor = openSync(file, 'a', 0o600)
      try {
        return work(descriptor)
      } finally {
        closeSync(descriptor)
      }
    },
    /** What it said last: when it ends by itself, that is why. */
    lastWords(): string | undefined {
      try {
        return wordsIn(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '')
      } catch {
        return undefined
      }
    },
    close: () => clearInterval(timer),
  }
}

/** The message of a line; the line itself where it is none of ours. */
function wordsIn(line: string): string | undefined {
  try {
    return String((JSON.parse(line) as { message: unknown }).message)
  } catch {
    return line || undefined
  }
}
