/* Families of series, as Prometheus knows them: counters, gauges and histograms, each with labels that
 * take few values. Whatever a caller can choose freely (a path, a name, a digest) is no label: and as
 * the last guard a family has at most SERIES_MAX series; what comes beyond is counted as `other`. */

export const SERIES_MAX = 1000
const OTHER = 'other'

export interface Sample {
  /** After the family's name: `_total`, `_bucket` … */
  readonly suffix: string
  readonly labels: readonly (readonly [string, string])[]
  readonly value: number
}

export interface Family {
  /** Without `_total`. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  samples(): Sample[]
}

/** `labels`: names, in the order in which their values are given. */
export interface Told {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
}

class Series<T> {
  readonly #names: readonly string[]
  readonly #make: () => T
  readonly #all = new Map<string, { values: readonly string[]; held: T }>()

  constructor(names: readonly string[], make: () => T) {
    this.#names = names
    this.#make = make
    // One without labels is there from the start, so that its absence is never taken for zero.
    if (names.length === 0) this.at([])
  }

  at(values: readonly string[]): T {
    const key = values.join('\0')
    const known = this.#all.get(key)
    if (known) return known.held
    if (this.#all.size >= SERIES_MAX && values.some(value => value !== OTHER)) {
      return this.at(values.map(() => OTHER))
    }
    const held = this.#make()
    this.#all.set(key, { values, held })
    return held
  }

  clear(): void {
    this.#all.clear()
  }

  *[Symbol.iterator](): Generator<{ labels: Sample['labels']; held: T }> {
    for (const { values, held } of this.#all.values()) {
      yield { labels: this.#names.map((name, i) => [name, values[i] ?? ''] as const), held }
    }
  }
}

abstract class Plain implements Family {
  abstract readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  protected readonly series: Series<{ value: number }>

  constructor({ name, help, labels = [] }: Told) {
    this.name = name
    this.help = help
    this.labels = labels
    this.series = new Series(labels, () => ({ value: 0 }))
  }

  samples(): Sample[] {
    const suffix = this.type === 'counter' ? '_total' : ''
    return Array.from(this.series, ({ labels, held }) => ({ suffix, labels, value: held.value }))
  }
}

/** Only grows. */
export class Counter extends Plain {
  readonly type = 'counter'

  add(values: readonly string[] = [], by = 1): void {
    this.series.at(values).value += by
  }

  /** For what somebody else counts. */
  is(total: number, values: readonly string[] = []): void {
    this.series.at(values).value = total
  }
}

/** How much there is of something now. */
export class Gauge extends Plain {
  readonly type = 'gauge'

  set(value: number, values: readonly string[] = []): void {
    this.series.at(values).value = value
  }

  add(by: number, values: readonly string[] = []): void {
    this.series.at(values).value += by
  }

  /** What is not set again is not there any more. */
  clear(): void {
    this.series.clear()
  }
}

interface Counts {
  readonly counts: number[]
  sum: number
  count: number
}

/** How often something was at most so large. */
export class Histogram implements Family {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly #bounds: readonly number[]
  readonly #series: Series<Counts>

  /** `bounds`: upwards. */
  constructor({ name, help, labels = [], bounds }: Told & { bounds: readonly number[] }) {
    this.name = name
    this.help = help
    this.labels = labels
    this.#bounds = bounds
    this.#series = new Series(labels, () => ({ counts: bounds.map(() => 0), sum: 0, count: 0 }))
  }

  observe(value: number, values: readonly string[] = []): void {
    const held = this.#series.at(values)
    const at = this.#bounds.findIndex(bound => value <= bound)
    if (at >= 0) held.counts[at]!++
    held.sum += value
    held.count++
  }

  samples(): Sample[] {
    return [...this.#series].flatMap(({ labels, held }) => {
      let upTo = 0
      const buckets = this.#bounds.map((bound, i) => {
        upTo += held.counts[i]!
        return {
          suffix: '_bucket',
          labels: [...labels, ['le', floatOf(bound)] as const],
          value: upTo,
        }
      })
      const all = { suffix: '_bucket', labels: [...labels, ['le', '+Inf'] as const] }
      return [
        ...buckets,
        { ...all, value: held.count },
        { suffix: '_sum', labels, value: held.sum },
        { suffix: '_count', labels, value: held.count },
      ]
    })
  }
}

/** As both formats want a bound written: `1.0`, `0.005`. */
function floatOf(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}
