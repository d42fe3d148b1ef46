/** What a trial uses, as its samples tell. */
import type { MeasurementLine } from '../../api/wire.ts'
import { byteText } from '../times.ts'
import { Series } from './curves.ts'

/** A row to be shown: what, how much now, its curve, and what else there is to know. */
export interface UseRow {
  readonly name: string
  readonly now: string
  readonly series?: Series
  readonly more?: string
}

export class Use {
  readonly #cores = new Series()
  readonly #memory = new Series()
  readonly #gpus = new Map<string, { busy: Series; memory: number }>()
  #first: MeasurementLine | undefined
  #last: MeasurementLine | undefined

  add(sample: MeasurementLine): void {
    const before = this.#last
    // Another attempt counts from its own start.
    if (before?.attempt !== sample.attempt) this.#first = sample
    else {
      const seconds = (Date.parse(sample.at) - Date.parse(before.at)) / 1000
      if (seconds > 0) this.#cores.add(Math.max(0, sample.cpuSeconds - before.cpuSeconds) / seconds)
    }
    this.#memory.add(sample.memoryBytes)
    for (const { device, busy, memoryBytes } of sample.gpus ?? []) {
      const gpu = this.#gpus.get(device) ?? { busy: new Series(), memory: 0 }
      gpu.busy.add(busy)
      gpu.memory = memoryBytes
      this.#gpus.set(device, gpu)
    }
    this.#last = sample
  }

  /** Since its first sample. */
  get seconds(): number {
    if (this.#first === undefined || this.#last === undefined) return 0
    return (Date.parse(this.#last.at) - Date.parse(this.#first.at)) / 1000
  }

  get rows(): UseRow[] {
    const last = this.#last
    if (last === undefined) return []
    const cores = this.#cores
    const cpu =
      cores.count === 0 ? [] : [{ name: 'CPU', now: coresText(cores.last), series: cores }]
    const { readBytes, writtenBytes, receivedBytes, sentBytes } = last
    return [
      ...cpu.map(row => ({ ...row, more: `max ${coresText(cores.max)}` })),
      {
        name: 'memory',
        now: byteText(last.memoryBytes),
        series: this.#memory,
        more: `max ${byteText(this.#memory.max)}`,
      },
      ...[...this.#gpus].map(([device, { busy, memory }]) => ({
        name: `GPU ${device}`,
        now: `${Math.round(busy.last * 100)} %`,
        series: busy,
        more: byteText(memory),
      })),
      ...pairOf('disk', ['read', readBytes], ['written', writtenBytes]),
      ...pairOf('network', ['received', receivedBytes], ['sent', sentBytes]),
    ]
  }

  /** In one line. */
  get text(): string {
    return this.rows
      .map(({ name, now }) => (name === 'CPU' || name === 'memory' ? now : `${name} ${now}`))
      .join(', ')
  }
}

function pairOf(
  name: string,
  ...parts: readonly (readonly [string, number | undefined])[]
): UseRow[] {
  const known = parts.flatMap(([word, bytes]) =>
    bytes === undefined ? [] : [`${word} ${byteText(bytes)}`],
  )
  return known.length === 0 ? [] : [{ name, now: known.join(', ') }]
}

function coresText(cores: number): string {
  return `${cores.toFixed(2)} cores`
}
