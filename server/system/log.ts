/* The server's own log: JSON lines in a file that is put aside when it has grown large. Warnings and
 * errors are also told on the terminal, in one line each. Never holds a token: headers and bodies
 * are not written. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Parts } from '../parts.ts'

const FILE_MAX = 32 * 1024 * 1024
const LEVELS = { info: 30, warn: 40, error: 50 } as const

export interface Log {
  readonly log: Parts['log']
  /** For Fastify: takes whole lines. */
  readonly stream: { write(line: string): void }
}

/** `tell` gets what people should see at once. */
export function openLog(file: string, tell: (line: string) => void): Log {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  let size = sizeOf(file)

  function write(line: string): void {
    if (size > FILE_MAX) {
      renameSync(file, `${file}.1`)
      size = 0
    }
    appendFileSync(file, line, { mode: 0o600 })
    size += Buffer.byteLength(line)
  }

  const stream = {
    write(line: string) {
      try {
        write(line)
      } catch {
        // A full disk must not stop the answers.
      }
    },
  }
  return {
    stream,
    log(level, message, fields = {}) {
      const line = { level: LEVELS[level], time: Date.now(), ...fields, msg: message }
      stream.write(`${JSON.stringify(line)}\n`)
      if (level !== 'info') tell(`kaos: ${message}`)
    },
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
