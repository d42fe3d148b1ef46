/* `.kaos/config`: INI with nested sections and lists, as the original's clients write and read it.
 *
 *   [contexts]
 *       environments = remote,
 *   [remote]
 *       [[backend]]
 *           url = http://127.0.0.1:8080
 *
 * What we do not know is kept, so an older client finds its own settings again. Comments are not. */
import { KaosError } from '../api/errors.ts'

export type Value = string | string[]

export interface Section {
  readonly values: Map<string, Value>
  readonly sections: Map<string, Section>
}

export function emptySection(): Section {
  return { values: new Map(), sections: new Map() }
}

/** The section of that name, made when there is none. */
export function sectionOf(parent: Section, name: string): Section {
  const there = parent.sections.get(name)
  if (there !== undefined) return there
  const made = emptySection()
  parent.sections.set(name, made)
  return made
}

/* The dot takes every letter (s): a value may hold Unicode's own line separators. */
const HEADER = /^(\[+)\s*(.*?)\s*(\]+)\s*(?:#.*)?$/s
const ENTRY = /^("[^"]*"|'[^']*'|[^=]*?)\s*=\s*(.*)$/s

/** Throws CONFIGURATION with the number of the line that cannot be read. */
export function parseIni(text: string): Section {
  const root = emptySection()
  const open = [root]
  text.split(/\r?\n/).forEach((raw, at) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) return
    const header = HEADER.exec(line)
    if (header !== null) {
      const depth = header[1]!.length
      if (depth !== header[3]!.length || depth > open.length) throw unreadable(at)
      open.length = depth
      open.push(sectionOf(open[depth - 1]!, unquoted(header[2]!)))
      return
    }
    const entry = ENTRY.exec(line)
    if (entry === null) throw unreadable(at)
    open.at(-1)!.values.set(unquoted(entry[1]!), settingOf(entry[2]!, at))
  })
  return root
}

export function formatIni(root: Section): string {
  return [...linesOf(root, 0)].join('\n').concat('\n')
}

function* linesOf(section: Section, depth: number): Generator<string> {
  const indent = '    '.repeat(depth)
  for (const [key, value] of section.values) {
    yield `${indent}${quoted(key)} = ${Array.isArray(value) ? listText(value) : quoted(value)}`
  }
  for (const [name, child] of section.sections) {
    yield `${indent}${'['.repeat(depth + 1)}${quoted(name)}${']'.repeat(depth + 1)}`
    yield* linesOf(child, depth + 1)
  }
}

/** A list of one needs its comma, else it is read as a plain value. */
function listText(values: readonly string[]): string {
  if (values.length === 0) return ','
  return values.length === 1 ? `${quoted(values[0]!)},` : values.map(quoted).join(', ')
}

function quoted(text: string): string {
  if (/[\r\n]/.test(text)) {
    throw new KaosError(
      'CONFIGURATION',
      `a setting may not hold a line break: ${JSON.stringify(text)}`,
    )
  }
  if (text !== '' && !/^\s|\s$|[,#"'=[\]]/.test(text)) return text
  if (!text.includes('"')) return `"${text}"`
  if (!text.includes("'")) return `'${text}'`
  throw new KaosError('CONFIGURATION', 'a setting may not hold both kinds of quotes')
}

function unquoted(text: string): string {
  return /^(["']).*\1$/s.test(text) && text.length > 1 ? text.slice(1, -1) : text
}

/* A value: items by commas outside quotes, up to a # outside quotes. */
const ITEM = /\s*("[^"]*"|'[^']*'|[^,#"']*?)\s*(,|#.*$|$)/sy

function settingOf(text: string, at: number): Value {
  const items: string[] = []
  let list = false
  ITEM.lastIndex = 0
  while (true) {
    const match = ITEM.exec(text)
    if (match === null) throw unreadable(at)
    if (match[1] !== '') items.push(unquoted(match[1]!))
    if (match[2] !== ',') return list ? items : (items[0] ?? '')
    list = true
  }
}

function unreadable(at: number): KaosError {
  return new KaosError('CONFIGURATION', `line ${at + 1} of the configuration cannot be read`)
}
