/* kaos.yaml: an experiment as a file, so that `train deploy` needs no options. Paths in it are relative
 * to it. What is wrong is told with the line it stands in, before anything is sent.
 *
 *   from: 01a1fce1172f…       the training that this one was made from
 *   workspace: mnist           where it belongs
 *   code: code                 folder, or a source on the server: mnist:e23a2
 *   data: data                 folder, or a data set on the server: features@v3
 *   manifest: files.jsonl      instead of data: files that the server fetches
 *   hyperparams: params.json   a file, or the lists themselves: {degree: [4, 5]}
 *   parallelism: 2
 *   resources: {cpu: 2, memory: 4G, gpu: 1, label: bigmem} */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type Document, isMap, isNode, isScalar, LineCounter, type Pair, parseDocument } from 'yaml'
import { isKaosError, KaosError } from '../api/errors.ts'
import { parseGrid } from '../api/grid.ts'
import { parseCpu, parseGpu, parseLabels, parseMemory } from '../api/resources.ts'
import { nearest } from './nearest.ts'

export interface Experiment {
  readonly from?: string
  readonly workspace?: string
  /** A folder as seen from here, or a reference. */
  readonly code?: string
  readonly data?: string
  readonly manifest?: string
  /** Text of a grid, and the file that it was read from, if any. */
  readonly hyperparams?: { readonly text: string; readonly file?: string }
  readonly parallelism?: number
  readonly cpu?: string
  readonly memory?: string
  readonly gpu?: string
  readonly label?: string
}

const FIELDS = [
  'from',
  'workspace',
  'code',
  'data',
  'manifest',
  'hyperparams',
  'parallelism',
  'resources',
] as const
const RESOURCES = ['cpu', 'memory', 'gpu', 'label'] as const
const PARALLELISM_MAX = 1024

export function readExperiment(file: string): Experiment {
  return new Reading(file).experiment()
}

class Reading {
  readonly #file: string
  readonly #lines = new LineCounter()
  readonly #doc: Document.Parsed

  constructor(file: string) {
    this.#file = file
    const options = { lineCounter: this.#lines, prettyErrors: false }
    this.#doc = parseDocument(readFileSync(file, 'utf8'), options)
    const [error] = this.#doc.errors
    if (error) throw this.#wrong(error.pos[0], error.message)
  }

  experiment(): Experiment {
    const pairs = this.#pairs(this.#doc.contents, 'it', FIELDS)
    const pair = (name: (typeof FIELDS)[number]) => pairs.get(name)
    if (pair('data') && pair('manifest')) {
      throw this.#wrongIn(
        pair('manifest')!,
        'data and manifest stand side by side; give one of them',
      )
    }
    const texts = {
      from: this.#text(pair('from')),
      workspace: this.#text(pair('workspace')),
      code: this.#bundle(pair('code')),
      data: this.#bundle(pair('data')),
      manifest: this.#path(pair('manifest')),
      ...this.#resources(pair('resources')),
    }
    const hyperparams = this.#grid(pair('hyperparams'))
    const parallelism = this.#parallelism(pair('parallelism'))
    if (!texts.code && !texts.data && !texts.manifest && !hyperparams) {
      throw this.#wrong(0, 'it names neither code, data, manifest nor hyperparams')
    }
    const given = Object.entries(texts).filter(([, text]) => text !== undefined)
    return {
      ...(Object.fromEntries(given) as Partial<typeof texts> as Experiment),
      ...(hyperparams && { hyperparams }),
      ...(parallelism !== undefined && { parallelism }),
    }
  }

  #pairs(node: unknown, what: string, names: readonly string[]): Map<string, Pair> {
    if (!isMap(node)) {
      const at = isNode(node) ? (node.range?.[0] ?? 0) : 0
      throw this.#wrong(at, `${what} must be fields with values, like ${names[0]}: \u2026`)
    }
    const pairs = new Map<string, Pair>()
    for (const pair of node.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : ''
      if (!names.includes(name)) {
        const [meant] = nearest(name, names)
        const next = meant ? `did you mean ${meant}?` : `fields are ${names.join(', ')}`
        throw this.#wrongIn(pair, `unknown field "${name}"; ${next}`)
      }
      pairs.set(name, pair)
    }
    return pairs
  }

  #text(pair: Pair | undefined): string | undefined {
    if (!pair || this.#value(pair) === null) return undefined
    const { value } = pair
    // The text as it stands: 0123456e7 and 1_000 are ids here, not numbers.
    const text = isScalar(value) ? (value.source ?? String(value.value)) : undefined
    if (text !== undefined && text !== '') return text
    throw this.#wrongIn(pair, `${keyOf(pair)} must be a text`)
  }

  /** A folder beside the file, or else a reference to what the server has. */
  #bundle(pair: Pair | undefined): string | undefined {
    const text = this.#text(pair)
    if (!pair || text === undefined) return undefined
    const path = this.#beside(text)
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
    if (/[:@]/.test(text) || /^[0-9a-f]{32}$/.test(text)) return text
    const next = `give a folder, or what the server has, like ${keyOf(pair)}: name:e23a2`
    throw this.#wrongIn(pair, `${keyOf(pair)}: there is no folder ${path}; ${next}`)
  }

  #path(pair: Pair | undefined): string | undefined {
    const text = this.#text(pair)
    if (!pair || text === undefined) return undefined
    const path = this.#beside(text)
    if (existsSync(path)) return path
    throw this.#wrongIn(pair, `${keyOf(pair)}: there is no file ${path}`)
  }

  #grid(pair: Pair | undefined): Experiment['hyperparams'] {
    if (!pair || this.#value(pair) === null) return undefined
    const file = isMap(pair.value) ? undefined : this.#path(pair)
    const text = file === undefined ? JSON.stringify(this.#value(pair)) : readFileSync(file, 'utf8')
    try {
      parseGrid(text)
    } catch (error) {
      if (!isKaosError(error)) throw error
      throw this.#wrongIn(pair, file === undefined ? error.message : `${file}: ${error.message}`)
    }
    return { text, ...(file !== undefined && { file }) }
  }

  #parallelism(pair: Pair | undefined): number | undefined {
    if (!pair) return undefined
    const value = this.#value(pair)
    if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= PARALLELISM_MAX) {
      return Number(value)
    }
    throw this.#wrongIn(pair, `parallelism must be a whole number from 1 to ${PARALLELISM_MAX}`)
  }

  #resources(pair: Pair | undefined): Pick<Experiment, 'cpu' | 'memory' | 'gpu' | 'label'> {
    if (!pair) return {}
    const pairs = this.#pairs(pair.value, 'resources', RESOURCES)
    const label = (text: string) => parseLabels([text])
    const checks = { cpu: parseCpu, memory: parseMemory, gpu: parseGpu, label }
    const found: Partial<Record<(typeof RESOURCES)[number], string>> = {}
    for (const name of RESOURCES) {
      const text = this.#text(pairs.get(name))
      if (text === undefined) continue
      try {
        checks[name](text)
      } catch (error) {
        if (!isKaosError(error)) throw error
        throw this.#wrongIn(pairs.get(name)!, error.message)
      }
      found[name] = text
    }
    return found
  }

  #value({ value }: Pair): unknown {
    return isNode(value) ? value.toJS(this.#doc) : value
  }

  #beside(text: string): string {
    return relative('', join(dirname(this.#file), text)) || '.'
  }

  #wrongIn({ key }: Pair, message: string): KaosError {
    return this.#wrong(isNode(key) ? (key.range?.[0] ?? 0) : 0, message)
  }

  #wrong(at: number, message: string): KaosError {
    const { line } = this.#lines.linePos(at)
    const text = `${this.#file}, line ${Math.max(line, 1)}: ${message}`
    return new KaosError('INVALID_EXPERIMENT', text, { detail: { file: this.#file, line } })
  }
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : ''
}
