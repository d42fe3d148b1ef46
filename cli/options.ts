/* How commands declare their options and words. The shapes and types are oclif's, whose help shows them;
 * but that library is loaded only for help, because loading it takes longer than most commands do. */
import { statSync } from 'node:fs'
import type { Interfaces, Args as OclifArgs, Flags as OclifFlags } from '@oclif/core'

type Given = Record<string, unknown>
type Parse = (input: string, context: unknown, definition: Given) => Promise<unknown>

function kind(parse: Parse) {
  return (given: Given = {}) => ({
    parse,
    ...given,
    input: [],
    multiple: given.multiple === true,
    type: 'option',
  })
}

const text: Parse = async input => input

const integer: Parse = async (input, _context, { min, max }) => {
  if (!/^-?\d+$/.test(input)) throw new Error(`Expected an integer but received: ${input}`)
  const number = Number.parseInt(input, 10)
  if (typeof min === 'number' && number < min) throw outside('greater than or equal to', min, input)
  if (typeof max === 'number' && number > max) throw outside('less than or equal to', max, input)
  return number
}

const directory: Parse = async (input, _context, { exists }) => {
  if (exists === true) requireKind(input, 'directory')
  return input
}

const file: Parse = async (input, _context, { exists }) => {
  if (exists === true) requireKind(input, 'file')
  return input
}

function outside(how: string, bound: number, input: string): Error {
  return new Error(`Expected an integer ${how} ${bound} but received: ${input}`)
}

function requireKind(path: string, what: 'directory' | 'file'): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new Error(`No ${what} found at ${path}`)
  const right = what === 'directory' ? found.isDirectory() : found.isFile()
  if (!right) throw new Error(`${path} exists but is not a ${what}`)
}

function boolean(given: Given = {}) {
  return {
    parse: async (input: unknown) => input,
    ...given,
    allowNo: given.allowNo === true,
    type: 'boolean',
  }
}

/** Options: `--name value`, `-n value`. */
export const Flags = {
  boolean,
  string: kind(text),
  integer: kind(integer),
  directory: kind(directory),
  file: kind(file),
} as unknown as Pick<typeof OclifFlags, 'boolean' | 'string' | 'integer' | 'directory' | 'file'>

/** Words that stand by themselves. */
export const Args = {
  string: kind(text),
  integer: kind(integer),
  directory: kind(directory),
  file: kind(file),
} as unknown as Pick<typeof OclifArgs, 'string' | 'integer' | 'directory' | 'file'>

export type FlagInput = Interfaces.FlagInput
export type ArgInput = Interfaces.ArgInput
