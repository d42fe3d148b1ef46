/** Curves a line high, and what a series of numbers comes to. */

const STEPS = '\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588'
/** Of a series; what is more is thinned out. */
const KEPT_MAX = 2048

/** One number after the other. When they become many, neighbours are taken together. */
export class Series {
  #values: number[] = []
  #weights: number[] = []
  #stride = 1
  #last = Number.NaN
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  count = 0

  add(value: number): void {
    this.count++
    this.#last = value
    this.min = Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    const at = this.#values.length - 1
    const weight = this.#weights[at] ?? this.#stride
    if (weight < this.#stride) {
      this.#values[at] = (this.#values[at]! * weight + value) / (weight + 1)
      this.#weights[at] = weight + 1
    } else {
      this.#values.push(value)
      this.#weights.push(1)
      if (this.#values.length > KEPT_MAX) this.#halve()
    }
  }

  get last(): number {
    return this.#last
  }

  /** `width` columns at most, the newest at the right. */
  curve(width: number): string {
    const columns = columnsOf(this.#values, width)
    const [low, high] = [Math.min(...columns), Math.max(...columns)]
    const top = STEPS.length - 1
    return columns
      .map(value => (high > low ? Math.round(((value - low) / (high - low)) * top) : 0))
      .map(step => STEPS[step])
      .join('')
  }

  #halve(): void {
    const pairs = Math.ceil(this.#values.length / 2)
    this.#values = columnsOf(this.#values, pairs)
    this.#stride *= 2
    this.#weights = Array.from({ length: pairs }, () => this.#stride)
  }
}

/** Means of neighbours, so many that they fit. */
function columnsOf(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values]
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width)
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / width))
    const part = values.slice(from, to)
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}

/** Short, and as wide as the next value will be. */
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value)
  const size = Math.abs(value)
  return size >= 1e-3 && size < 1e6 ? value.toPrecision(4) : value.toExponential(2)
}
