/* The grid: an object of lists, each point of whose product is one trial. The first key varies
 * slowest, as in the original. The text a user sends names the grid: same text, same hash. */
import { type Digest, digestOf, hexOf } from './digest.ts'
import { KaosError } from './errors.ts'

export type Scalar = string | number | boolean | null
export type Point = { readonly [key: string]: Scalar }

export interface Grid {
  /** As it was sent; what is kept. */
  readonly text: string
  /** Of the text. */
  readonly digest: Digest
  /** First five digits of that. */
  readonly hash: string
  readonly keys: readonly string[]
  readonly points: readonly Point[]
  /** Of each point the JSON object that its trial reads: numbers as they were written, so that 1.0
   * stays 1.0 and no digit of a long one is lost. */
  readonly texts: readonly string[]
}

export const POINTS_MAX = 10_000
/** Longest file name of a point in bytes; file systems end at 255. */
const NAME_MAX = 200

/** The grid in a text; undefined for `{}`, which is none. INVALID_GRID says what is wrong where. */
export function parseGrid(text: string): Grid | undefined {
  const { value, written } = parse(text)
  const lists = listsOf(value)
  if (lists.length === 0) return undefined
  const count = lists.reduce((product, [, values]) => product * values.length, 1)
  if (count > POINTS_MAX) {
    throw invalid(`the hyperparameters have ${count} points; ${POINTS_MAX} is the most`)
  }
  const digest = digestOf(text)
  const keys = lists.map(([key]) => key)
  const rows = product(lists)
  return {
    text,
    digest,
    hash: hexOf(digest).slice(0, 5),
    keys,
    points: rows.map(row => Object.fromEntries(row.map(({ key, list, at }) => [key, list[at]!]))),
    texts: rows.map(row => {
      const pairs = row.map(({ key, list, at }) => {
        return `${JSON.stringify(key)}:${written.get(list)?.get(at) ?? JSON.stringify(list[at])}`
      })
      return `{${pairs.join(',')}}`
    }),
  }
}

/** The text of a grid that came as an object. */
export function gridText(grid: { readonly [key: string]: unknown }): string {
  return JSON.stringify(grid)
}

/** A grid of one point, its values as the text of the point has them. */
export function gridOfPoint(text: string): string {
  const parts: string[] = []
  function part(this: unknown, key: string, value: unknown, { source }: { source?: string }) {
    if (typeof value !== 'object' || value === null)
      parts.push(`${JSON.stringify(key)}:[${source ?? JSON.stringify(value)}]`)
    return value
  }
  JSON.parse(text, part as never)
  return `{${parts.join(',')}}`
}

/** `degree=5_kernel=poly.json`: keys in the file's order, safe as a file name. */
export function pointFile(point: Point): string {
  const parts = Object.entries(point).map(([key, value]) => `${key}=${value}`)
  const name = parts
    .join('_')
    .toWellFormed()
    .replace(/[/\\\p{Cc}]/gu, escaped)
  if (Buffer.byteLength(name) <= NAME_MAX) return `${name}.json`
  const hash = hexOf(digestOf(name)).slice(0, 16)
  return `${cut(name, NAME_MAX - hash.length - 1)}_${hash}.json`
}

/** The numbers of a list, by their places in it, that JSON would write in another way. */
type Written = WeakMap<object, Map<number, string>>

function parse(text: string): { value: unknown; written: Written } {
  const written: Written = new WeakMap()
  function note(this: object, key: string, value: unknown, { source }: { source?: string }) {
    if (typeof value !== 'number' || source === undefined || source === String(value)) return value
    if (!Array.isArray(this)) return value
    const places = written.get(this) ?? new Map<number, string>()
    written.set(this, places.set(Number(key), source))
    return value
  }
  try {
    // What the reviver is told beside key and value is not in the types yet.
    return { value: JSON.parse(text, note as never), written }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KaosError('INVALID_GRID', `the hyperparameters are not JSON: ${why}`, { cause })
  }
}

function listsOf(grid: unknown): [string, Scalar[]][] {
  if (typeof grid !== 'object' || grid === null || Array.isArray(grid)) {
    throw invalid('the hyperparameters must be a JSON object of lists, like {"degree": [4, 5]}')
  }
  return Object.entries(grid).map(([key, values]) => [key, scalarsOf(key, values)])
}

function scalarsOf(key: string, values: unknown): Scalar[] {
  const named = JSON.stringify(key)
  if (!Array.isArray(values)) {
    throw invalid(`hyperparameter ${named} is ${kindOf(values)}; it must be a list of values`, key)
  }
  if (values.length === 0) {
    throw invalid(`hyperparameter ${named} is an empty list; give at least one value`, key)
  }
  const wrong = values.find(value => !isScalar(value))
  if (wrong !== undefined) {
    const why = `hyperparameter ${named} holds ${kindOf(wrong)}`
    throw invalid(`${why}; its values must be numbers, texts, true, false or null`, key)
  }
  return values
}

function isScalar(value: unknown): value is Scalar {
  if (typeof value === 'number') return Number.isFinite(value)
  return value === null || typeof value === 'string' || typeof value === 'boolean'
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number that is too large'
  return `the single value ${JSON.stringify(value)}`
}

/** A value of a point: where it stands. */
interface Chosen {
  readonly key: string
  readonly list: readonly Scalar[]
  readonly at: number
}

function product(lists: readonly [string, Scalar[]][]): Chosen[][] {
  return lists.reduce<Chosen[][]>(
    (before, [key, list]) =>
      before.flatMap(row => list.map((_, at): Chosen[] => [...row, { key, list, at }])),
    [[]],
  )
}

function escaped(letter: string): string {
  return `%${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(2, '0')}`
}

/** The longest beginning of whole letters that fits into so many bytes. */
function cut(text: string, bytes: number): string {
  let kept = ''
  let size = 0
  for (const letter of text) {
    size += Buffer.byteLength(letter)
    if (size > bytes) break
    kept += letter
  }
  return kept
}

function invalid(message: string, key?: string): KaosError {
  return new KaosError('INVALID_GRID', message, { detail: key === undefined ? {} : { key } })
}
