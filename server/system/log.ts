/* The server's own log: JSON lines (api/log-line.ts), in a file that is put aside when it has grown
 * large, or on stderr for whoever gathers it there. Warnings and errors are also told on the terminal,
 * in one line each. Never holds a token: headers and bodies are not written. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isLogged, logLine } from '../../api/log-line.ts'
import type { Parts, Settings } from '../parts.ts'

const FILE_MAX = 32 * 1024 * 1024

type Write = (line: string) => void

export interface Log {
  readonly log: Parts['log']
  /** For Fastify: takes whole lines. */
  readonly stream: { write: Write; readonly level: string }
}

type Options = Settings['logging'] & {
  readonly file: string
  /** Gets what people should see at once. */
  readonly tell: Write
}

export function openLog({ file, tell, level: least, to }: Options): Log {
  const write = to === 'file' ? intoFile(file) : (line: string) => void process.stderr.write(line)
  return {
    stream: { write, level: least },
    log(level, message, fields) {
      if (!isLogged(level, least)) return
      write(logLine(level, message, fields))
      if (to === 'file' && isLogged(level, 'warn')) tell(`kaos: ${message}`)
    },
  }
}

function intoFile(file: string): Write {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return line => {
    try {
      if (size > FILE_MAX) {
        renameSync(file, `${file}.1`)
        size = 0
      }
      appendFileSync(file, line, { mode: 0o600 })
      size += Buffer.byteLength(line)
    } catch {
      // A full disk must not stop the answers.
    }
  }
}
