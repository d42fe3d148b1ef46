/* What people type, brought into the one form that the parser knows: long options with underscores
 * (`--out-dir` is `--out_dir`), the command's words in front, `kaos help train` as `--help`. */
import { KaosError } from '../api/errors.ts'
import { nearest } from './nearest.ts'

/** Long options spelled with dashes get underscores; values and what follows `--` stay as they are. */
export function normaliseArgv(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  const options = end === -1 ? argv : argv.slice(0, end)
  const rest = end === -1 ? [] : argv.slice(end)
  const words = [...options.map(underscored), ...rest]
  return words[0] === 'help' ? [...words.slice(1), '--help'] : words
}

function underscored(word: string): string {
  if (!word.startsWith('--')) return word
  const [name = '', ...value] = word.slice(2).split('=')
  return [`--${name.replaceAll('-', '_')}`, ...value].join('=')
}

export type Asked =
  | { kind: 'command'; id: string; rest: string[] }
  /** The first words of some commands, and no more: show which there are. */
  | { kind: 'group'; words: string[] }

/** Finds the command among ids such as `train:deploy`; USAGE when there is none. */
export function findCommand(argv: readonly string[], ids: readonly string[]): Asked {
  const firstOption = argv.findIndex(word => word.startsWith('-'))
  const words = firstOption === -1 ? [...argv] : argv.slice(0, firstOption)
  for (let length = words.length; length > 0; length--) {
    const id = words.slice(0, length).join(':')
    if (!ids.includes(id)) continue
    return { kind: 'command', id, rest: argv.slice(length) }
  }
  const group = `${words.join(':')}:`
  if (ids.some(id => id.startsWith(group))) return { kind: 'group', words }
  throw unknown(words, ids)
}

/** Commands of kaos 1.x that are no more, and what there is instead. */
const GONE: Readonly<Record<string, string>> = {
  notebook: 'notebooks are not run; what one holds can be trained as a source bundle',
}

function unknown(words: readonly string[], ids: readonly string[]): KaosError {
  const typed = words.join(' ')
  if (typed === '') return new KaosError('USAGE', 'name a command first; see kaos --help')
  const gone = Object.keys(GONE).find(name => `${typed} `.startsWith(`${name} `))
  if (gone !== undefined) return new KaosError('USAGE', `kaos 2 has no "${gone}": ${GONE[gone]}`)
  const close = nearest(
    typed,
    ids.map(id => id.replaceAll(':', ' ')),
  )
  const hint =
    close.length === 0 ? 'see kaos --help' : `did you mean kaos ${close.join(' or kaos ')}?`
  return new KaosError('USAGE', `there is no command "${typed}"; ${hint}`)
}
