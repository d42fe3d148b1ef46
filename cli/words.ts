/* From what was thrown to what a person reads: one line, and an exit code. */
import { stripVTControlCharacters } from 'node:util'
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

/** What the parser says over several lines, as one USAGE error. */
export function usageOf(thrown: unknown): KaosError {
  if (thrown instanceof KaosError) return thrown
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^(The following errors? occurred|See more help)/.test(line))
  const message = lines
    .join('; ')
    .replace(/^Parsing (--\w+) ?; ?/, '$1: ')
    .replace(/^Missing required flag (\w+)/, 'Missing required flag --$1')
    .replace(/^Missing \d+ required args?:; (.*)$/, (_, list: string) => missingArgs(list))
    .replace(/^Nonexistent flag: -h$/, '$&; for help type --help')
  return new KaosError('USAGE', message, { cause: thrown })
}

/** `name  what it is; other  what that is` as the parser lists them. */
function missingArgs(list: string): string {
  const args = list.split('; ').map(line => {
    const [name = '', ...what] = line.split(/\s{2,}/)
    return `${name.toUpperCase()} (${what.join(' ')})`
  })
  return `Missing ${args.join(' and ')}`
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
