/* From the words behind a command to the values of its options (options.ts). What is wrong is one USAGE
 * error of one line. */
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
  const split = new Splitting(flags).run(words)
  const values = {
    flags: await flagValues(flags, split.flags),
    args: await argValues(args, split.args),
  }
  requireRelations(flags, values.flags)
  return values
}

/** Options and words told apart. */
class Splitting {
  readonly #flags: Definitions
  readonly #given = new Map<string, (string | true)[]>()
  readonly #words: string[] = []
  #left: string[] = []
  /** The option that may take more words. */
  #greedy: string | undefined

  constructor(flags: Definitions) {
    this.#flags = flags
  }

  run(words: readonly string[]) {
    this.#left = [...words]
    const unknown: string[] = []
    for (let word = this.#left.shift(); word !== undefined; word = this.#left.shift()) {
      if (word === '--') {
        this.#words.push(...this.#left.splice(0))
      } else if (!word.startsWith('-') || word === '-') {
        this.#plain(word)
      } else if (!this.#option(word)) {
        if (/^-\d/.test(word)) this.#plain(word)
        else unknown.push(word)
      }
    }
    if (unknown.length > 0) throw unknownFlags(unknown)
    return { flags: this.#given, args: this.#words }
  }

  #plain(word: string): void {
    if (this.#greedy === undefined) this.#words.push(word)
    else this.#add(this.#greedy, word)
  }

  /** False if there is none of this name. */
  #option(word: string): boolean {
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(word)!
    const long = word.startsWith('--')
    const found = this.#named(long ? name : word.slice(0, 2))
    if (found === undefined) return false
    const { type, options, multiple, multipleNonGreedy } = this.#flags[found]!
    this.#greedy = undefined
    if (type === 'boolean') {
      this.#add(found, true)
      // `-yq` is `-y -q`.
      if (!long && word.length > 2) this.#left.unshift(`-${word.slice(2)}`)
      return true
    }
    if (multiple !== true && this.#given.has(found)) {
      throw usage(`Flag --${found} can only be specified once`)
    }
    const attached = long
      ? value
      : word.length > 2
        ? word.slice(word[2] === '=' ? 3 : 2)
        : undefined
    const input = attached ?? this.#left.shift()
    if (input === undefined || (attached === undefined && this.#isOption(input))) {
      const wanted = options ? `one of these values: ${options.join(', ')}` : 'a value'
      throw usage(`Flag --${found} expects ${wanted}`)
    }
    this.#add(found, input)
    if (multiple === true && multipleNonGreedy !== true) this.#greedy = found
    return true
  }

  #isOption(word: string): boolean {
    if (!word.startsWith('-')) return false
    return this.#named(word.startsWith('--') ? word : word.slice(0, 2)) !== undefined
  }

  /** The option that is written so: `--name`, `-n`. */
  #named(written: string): string | undefined {
    const bare = written.replace(/^--?/, '')
    if (!written.startsWith('--')) {
      return Object.keys(this.#flags).find(name => this.#flags[name]!.char === bare)
    }
    if (Object.hasOwn(this.#flags, bare)) return bare
    return Object.keys(this.#flags).find(name => this.#flags[name]!.aliases?.includes(bare))
  }

  #add(name: string, value: string | true): void {
    this.#given.set(name, [...(this.#given.get(name) ?? []), value])
  }
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
