/* What a training says of its metrics while it runs, out of the JSON lines that it appends to
 * METRICS_FILE: objects of numbers, `{"step": 3, "loss": 0.4}`, or single points in MLflow's words,
 * `{"key": "loss", "value": 0.4, "step": 3, "timestamp": 1764489600000}`. What a point does not say of
 * step is the number of points of that key before it; of time, when it was read.
 *
 * Always true: the same bytes give the same points, whichever way they are cut. So a worker that was
 * killed reads the file from its beginning and leaves out as many points as it had kept. */
import type { MetricPoint } from '../../api/measurements.ts'

/** Of one attempt. */
export const POINTS_MAX = 200_000
export const KEYS_MAX = 250
/** MLflow's. */
const KEY_MAX = 250
const LINE_MAX = 64 * 1024
const NEWLINE = 10

export class MetricLines {
  /** Points that were kept before. */
  readonly #known: number
  #rest: Buffer = Buffer.alloc(0)
  /** The line is longer than allowed; the rest of it is passed over. */
  #tooLong = false
  #line = 0
  #points = 0
  readonly #counts = new Map<string, number>()
  #wrong = 0
  #first: string | undefined

  constructor(known = 0) {
    this.#known = known
  }

  /** The points in what comes next that were not kept before. */
  read(bytes: Uint8Array, now: number): MetricPoint[] {
    const points: MetricPoint[] = []
    let begin = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, begin)) {
      this.#keep(bytes.subarray(begin, end))
      points.push(...this.#ended(now))
      begin = end + 1
    }
    this.#keep(bytes.subarray(begin))
    return points
  }

  /** The last line, when it was not ended. */
  end(now: number): MetricPoint[] {
    return this.#rest.length > 0 || this.#tooLong ? this.#ended(now) : []
  }

  /** What was not understood, in one sentence. */
  get complaint(): string | undefined {
    if (this.#first === undefined) return undefined
    const more = this.#wrong > 1 ? `, and ${this.#wrong - 1} more like it` : ''
    return `${this.#first}${more}`
  }

  #keep(bytes: Uint8Array): void {
    if (this.#tooLong || bytes.length === 0) return
    this.#tooLong = this.#rest.length + bytes.length > LINE_MAX
    this.#rest = this.#tooLong ? Buffer.alloc(0) : Buffer.concat([this.#rest, bytes])
  }

  #ended(now: number): MetricPoint[] {
    const text = this.#rest.toString('utf8')
    const tooLong = this.#tooLong
    this.#rest = Buffer.alloc(0)
    this.#tooLong = false
    this.#line++
    if (tooLong) this.#complain(`is longer than ${LINE_MAX} bytes`)
    else if (text.trim() !== '') return this.#pointsIn(text, now)
    return []
  }

  #pointsIn(text: string, now: number): MetricPoint[] {
    const said = objectIn(text)
    if (typeof said === 'string') {
      this.#complain(said)
      return []
    }
    const { step, timestamp, ...rest } = said
    const single = typeof rest.key === 'string' && 'value' in rest
    const pairs = single ? [[rest.key as string, rest.value] as const] : Object.entries(rest)
    const at = isWhole(timestamp) ? timestamp : now
    if (step !== undefined && !isWhole(step)) this.#complain('has a step that is no whole number')
    return pairs.flatMap(([key, value]) => this.#point(key, value, step, at))
  }

  #point(key: string, value: unknown, step: unknown, timestamp: number): MetricPoint[] {
    const wrong = this.#problemOf(key, value)
    if (wrong !== undefined) {
      this.#complain(wrong)
      return []
    }
    const count = this.#counts.get(key) ?? 0
    this.#counts.set(key, count + 1)
    this.#points++
    if (this.#points <= this.#known) return []
    return [{ key, value: value as number, step: isWhole(step) ? step : count, timestamp }]
  }

  #problemOf(key: string, value: unknown): string | undefined {
    const named = JSON.stringify(key.slice(0, 50))
    if (key === '' || key.length > KEY_MAX) return `has a key of ${key.length} letters`
    if (typeof value !== 'number' || !Number.isFinite(value))
      return `has ${named}, which is no number`
    if (!this.#counts.has(key) && this.#counts.size >= KEYS_MAX) {
      return `has ${named}, where there are ${KEYS_MAX} keys already`
    }
    if (this.#points >= POINTS_MAX) return `is beyond the ${POINTS_MAX} points that are kept`
    return undefined
  }

  #complain(what: string): void {
    this.#wrong++
    this.#first ??= `line ${this.#line} ${what}`
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** The object, or what is wrong with the line. */
function objectIn(text: string): Record<string, unknown> | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const number = /[:[,\s](-?Infinity|NaN)\b/.exec(text)?.[1]
    return number === undefined ? 'is not JSON' : `holds ${number}, which is no JSON`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no object'
  return value as Record<string, unknown>
}
