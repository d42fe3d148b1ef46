/* From what was thrown to what a person reads: one line, and an exit code. */
import { KaosError } from '../api/errors.ts'
import { environment } from './config.ts'
import { sentence } from './look.ts'

/** Something has to be done before: shown as a warning, as the original did, and still exit 1. */
export class Unready extends KaosError {
  constructor(message: string) {
    super('BAD_REQUEST', message)
  }
}

/** The user said no. */
export class Declined extends KaosError {
  constructor() {
    super('BAD_REQUEST', 'nothing was changed')
  }
}

/** Shows an error and answers the exit code. */
export function report(thrown: unknown, json: boolean): number {
  const known = thrown instanceof KaosError ? thrown : undefined
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const word = wordOf(known)
  process.stderr.write(`${sentence(word, message, process.stderr)}\n`)
  if (json) {
    const error = { code: known?.code ?? 'INTERNAL', message, detail: known?.detail ?? {} }
    process.stdout.write(`${JSON.stringify({ error }, null, 2)}\n`)
  }
  if (known === undefined && environment().debug && thrown instanceof Error) {
    process.stderr.write(`${thrown.stack}\n`)
  }
  return known?.exit ?? 1
}

function wordOf(error: KaosError | undefined): 'Warning' | 'Aborting' | 'Error' {
  if (error instanceof Unready) return 'Warning'
  return error instanceof Declined ? 'Aborting' : 'Error'
}
