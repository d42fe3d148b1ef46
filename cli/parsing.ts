/* From the words behind a command to the values of its options (options.ts). What is wrong is one USAGE
 * error of one line. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { KaosError } from '../api/errors.ts'

/** What is read of an option or word. */
export interface Definition {
  readonly type?: string
  readonly char?: string | undefined
  readonly aliases?: readonly string[] | undefined
  readonly multiple?: boolean | undefined
  readonly multipleNonGreedy?: boolean | undefined
  readonly options?: readonly string[] | undefined
  readonly required?: boolean | undefined
  readonly exclusive?: readonly unknown[] | undefined
  readonly description?: string | undefined
  readonly default?: unknown
  readonly parse?: unknown
}

export type Definitions = Readonly<Record<string, Definition>>

export interface Parsed {
  readonly flags: Record<string, unknown>
  readonly args: Record<string, unknown>
}

export async function parseWords(
  words: readonly string[],
  flags: Definitions,
  args: Definitions,
): Promise<Parsed> {
  const split = splitWords(words, flags)
  const values = {
    flags: await flagValues(flags, split.flags),
    args: await argValues(args, split.args),
  }
  requireRelations(flags, values.flags)
  return values
}

/** Options and words told apart, by Node's own parser; what it does not know is added: other names of an
 * option, options that take all words behind them, and the errors. */
function splitWords(words: readonly string[], flags: Definitions) {
  const { options, names } = optionsOf(flags)
  const { tokens } = parseArgs({
    ...{ args: [...words], options, strict: false },
    ...{ allowPositionals: true, tokens: true },
  })
  const given = new Map<string, (string | true)[]>()
  const plain: string[] = []
  const unknown = new Set<string>()
  /** Where words go: into the option that may take more, or among the others. */
  let open = plain
  let number: number | undefined
  for (const token of tokens) {
    if (token.kind === 'option-terminator') open = plain
    else if (token.kind === 'positional') open.push(token.value)
    else if (!names.has(token.name)) {
      const word = words[token.index]!
      if (!/^-\d/.test(word)) unknown.add(word)
      else if (token.index !== number) open.push(word)
      // `-12` is a word, but comes as two options.
      number = token.index
    } else {
      const name = names.get(token.name)!
      const all = given.get(name) ?? []
      given.set(name, all)
      all.push(inputOf(name, flags[name]!, token, all.length > 0, names))
      const { multiple, multipleNonGreedy } = flags[name]!
      open = multiple === true && multipleNonGreedy !== true ? (all as string[]) : plain
    }
  }
  if (unknown.size > 0) throw unknownFlags([...unknown])
  return { flags: given, args: plain }
}

function optionsOf(flags: Definitions) {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  const names = new Map<string, string>()
  for (const [name, { type, char, aliases = [] }] of Object.entries(flags)) {
    for (const written of [name, ...aliases]) {
      options[written] = { type: type === 'boolean' ? 'boolean' : 'string' }
      names.set(written, name)
    }
    if (char === undefined) continue
    options[name]!.short = char
    names.set(`-${char}`, name)
  }
  return { options, names }
}

/** Whether the word is one of the options, and so no value. */
function isOption(word: string, names: ReadonlyMap<string, string>): boolean {
  if (!word.startsWith('-')) return false
  return names.has(word.startsWith('--') ? word.slice(2) : word.slice(0, 2))
}

type OptionToken = {
  rawName: string
  value?: string | undefined
  inlineValue?: boolean | undefined
}

function inputOf(
  name: string,
  { type, options, multiple }: Definition,
  { rawName, value, inlineValue }: OptionToken,
  again: boolean,
  names: ReadonlyMap<string, string>,
): string | true {
  if (type === 'boolean') return true
  if (again && multiple !== true) throw usage(`Flag --${name} can only be specified once`)
  if (value === undefined || (inlineValue !== true && isOption(value, names))) {
    const wanted = options ? `one of these values: ${options.join(', ')}` : 'a value'
    throw usage(`Flag --${name} expects ${wanted}`)
  }
  // `-n=x` is `-nx`.
  return !rawName.startsWith('--') && inlineValue === true ? value.replace(/^=/, '') : value
}

async function flagValues(flags: Definitions, given: ReadonlyMap<string, (string | true)[]>) {
  const values: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(flags)) {
    const inputs = given.get(name)
    if (inputs === undefined) {
      if (definition.default !== undefined) values[name] = definition.default
      else if (definition.type === 'boolean') values[name] = false
      continue
    }
    if (definition.type === 'boolean') {
      values[name] = true
      continue
    }
    const all: unknown[] = []
    for (const input of inputs) all.push(await flagValue(name, definition, String(input)))
    values[name] = definition.multiple === true ? all : all[0]
  }
  return values
}

async function flagValue(name: string, definition: Definition, input: string): Promise<unknown> {
  if (definition.options?.includes(input) === false) {
    throw usage(`Expected --${name}=${input} to be one of: ${definition.options.join(', ')}`)
  }
  try {
    return await read(definition, input)
  } catch (error) {
    throw usage(`--${name}: ${(error as Error).message}`, error)
  }
}

/** Words in their order; the one that takes several takes all that are left for it. */
async function argValues(args: Definitions, words: readonly string[]) {
  const values: Record<string, unknown> = {}
  const names = Object.keys(args)
  const left = [...words]
  for (const [at, name] of names.entries()) {
    const definition = args[name]!
    const several = definition.multiple === true
    const count = several ? Math.max(0, left.length - (names.length - at - 1)) : 1
    const all: unknown[] = []
    for (const input of left.splice(0, count)) {
      if (definition.options?.includes(input) === false) {
        throw usage(`Expected ${input} to be one of: ${definition.options.join(', ')}`)
      }
      all.push(await read(definition, input).catch(error => refuse(error)))
    }
    if (all.length > 0) values[name] = several ? all : all[0]
    else if (definition.default !== undefined) values[name] = definition.default
  }
  if (left.length > 0)
    throw usage(`Unexpected argument${left.length > 1 ? 's' : ''}: ${left.join(', ')}`)
  const missing = names.filter(name => args[name]!.required === true && values[name] === undefined)
  if (missing.length === 0) return values
  const named = missing.map(name => `${name.toUpperCase()} (${args[name]!.description ?? ''})`)
  throw usage(`Missing ${named.join(' and ')}`)
}

function requireRelations(flags: Definitions, values: Readonly<Record<string, unknown>>): void {
  const isGiven = (name: string) => values[name] !== undefined && values[name] !== false
  for (const [name, { required, exclusive }] of Object.entries(flags)) {
    if (required === true && values[name] === undefined) {
      throw usage(`Missing required flag --${name}`)
    }
    const other = exclusive?.map(String).find(one => isGiven(name) && isGiven(one))
    if (other !== undefined) throw usage(`--${name} cannot be given together with --${other}`)
  }
}

async function read(definition: Definition, input: string): Promise<unknown> {
  if (typeof definition.parse !== 'function') return input
  return definition.parse(input, {}, definition)
}

function refuse(error: unknown): never {
  throw usage((error as Error).message, error)
}

function unknownFlags(unknown: readonly string[]): KaosError {
  const hint = unknown.includes('-h') ? '; for help type --help' : ''
  return usage(`Nonexistent flag${unknown.length > 1 ? 's' : ''}: ${unknown.join(', ')}${hint}`)
}

function usage(message: string, cause?: unknown): KaosError {
  if (cause instanceof KaosError) return cause
  return new KaosError('USAGE', message, { cause })
}
