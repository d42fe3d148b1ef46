/* Metrics: any `*metrics*.json` below `metrics/` in what a training wrote, a flat object of numbers
 * and texts. What is anything else becomes a warning that says where and what; the training is
 * not failed for it. */
import type { Digest } from '../../api/digest.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf, entryAt, FileReader } from '../../store/trees.ts'
import type { Metrics } from '../jobs/records.ts'

const FILE_MAX = 1024 * 1024
/** Of all metrics of a trial together: they go into the ledger and into every listing. */
const METRICS_MAX = 128 * 1024
const NAME = /metrics.*\.json$/i

export interface Found {
  readonly metrics: Metrics
  readonly warnings: string[]
}

export async function readMetrics(store: Store, output: Digest): Promise<Found> {
  const found: Found = { metrics: {}, warnings: [] }
  const folder = await entryAt(store, output, 'metrics')
  if (folder?.kind !== 'folder') return found
  const reader = new FileReader(store)
  let size = 0
  for (const entry of await entriesOf(store, folder.digest)) {
    if (entry.kind === 'folder' || !NAME.test(entry.name)) continue
    const file = `metrics/${entry.name}`
    size += entry.size
    if (entry.size > FILE_MAX || size > METRICS_MAX) {
      found.warnings.push(`${file} was not read: metrics may have ${METRICS_MAX} bytes in all`)
      continue
    }
    const bytes = await reader.whole(entry, FILE_MAX)
    addFrom(found, file, Buffer.from(bytes).toString('utf8'))
  }
  return found
}

function addFrom({ metrics, warnings }: Found, file: string, text: string): void {
  const values = parsed(text)
  if (typeof values === 'string') {
    warnings.push(`${file} ${values}`)
    return
  }
  for (const [name, value] of Object.entries(values)) {
    const wrong = Object.hasOwn(metrics, name) ? 'was given by another file' : problemOf(value)
    if (wrong) warnings.push(`${file}: ${JSON.stringify(name)} ${wrong}`)
    else
      Object.defineProperty(metrics, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
}

/** The object, or what is wrong with the file. */
function parsed(text: string): object | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const number = /[:[,\s](-?Infinity|NaN)\b/.exec(text)?.[1]
    if (number) return `holds ${number}, which is no JSON`
    return `is not JSON: ${(error as Error).message}`
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  return 'is not an object of metrics'
}

function problemOf(value: unknown): string | undefined {
  if (typeof value === 'string') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'is no finite number'
  const what = Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value
  return `is neither a number nor a text, but ${what}`
}
