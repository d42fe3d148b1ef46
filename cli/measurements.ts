/* What trials used while they ran: the samples, and what people want to know of them. */
import type { MeasurementLine } from '../api/wire.ts'
import { type Client, path } from './client.ts'
import { type Cell, tableLines } from './table.ts'
import { byteText } from './times.ts'

export async function measurementsOf(
  client: Client,
  base: string,
  job: string,
): Promise<MeasurementLine[]> {
  const bytes = await client.bytes(`${base}${path`/jobs/${job}/measurements`}`)
  const lines = bytes.toString('utf8').split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as MeasurementLine)
}

/** A row for each attempt of each trial. */
export function measurementLines(samples: readonly MeasurementLine[]): string[] {
  const groups = [...Map.groupBy(samples, one => `${one.trial}/${one.attempt}`).values()]
  const more = MORE.filter(({ of }) => samples.some(one => of(one) !== undefined))
  const columns = ['Trial', 'Samples', 'Seconds', 'CPU', 'CPU max', 'Memory', 'Memory max']
  return tableLines({
    title: 'what the trials used',
    columns: [...columns, ...more.flatMap(one => one.columns)],
    rows: groups.map(group => [...rowOf(group), ...more.flatMap(one => one.cells(group))]),
  })
}

/** What only some systems tell: bytes in all, and GPUs. */
const MORE: readonly {
  readonly columns: readonly string[]
  of(sample: MeasurementLine): unknown
  cells(group: readonly MeasurementLine[]): Cell[]
}[] = [
  {
    columns: ['Read', 'Written'],
    of: one => one.readBytes,
    cells: group => [inAll(group, 'readBytes'), inAll(group, 'writtenBytes')],
  },
  {
    columns: ['Received', 'Sent'],
    of: one => one.receivedBytes,
    cells: group => [inAll(group, 'receivedBytes'), inAll(group, 'sentBytes')],
  },
  { columns: ['GPU', 'GPU memory max'], of: one => one.gpus, cells: gpuCells },
]

type Counted = 'readBytes' | 'writtenBytes' | 'receivedBytes' | 'sentBytes'

/** Counts begin with the program; one that fell, as a process was gone, stands at its highest. */
function inAll(group: readonly MeasurementLine[], what: Counted): string {
  const counts = group.flatMap(one => one[what] ?? [])
  return counts.length === 0 ? '' : byteText(Math.max(...counts))
}

function rowOf(group: readonly MeasurementLine[]): Cell[] {
  const [first, last] = [group[0]!, group.at(-1)!]
  const seconds = secondsBetween(first, last)
  const rates = group.slice(1).map((one, at) => coresBetween(group[at]!, one))
  const memory = group.map(one => one.memoryBytes)
  const again = first.attempt === 1 ? '' : ` (attempt ${first.attempt})`
  return [
    `${first.trial}${again}`,
    group.length,
    seconds.toFixed(1),
    seconds > 0 ? coresText(coresBetween(first, last)) : '',
    rates.length > 0 ? coresText(Math.max(...rates)) : '',
    byteText(Math.round(mean(memory))),
    byteText(Math.max(...memory)),
  ]
}

function gpuCells(group: readonly MeasurementLine[]): Cell[] {
  const uses = group.flatMap(one => one.gpus ?? [])
  if (uses.length === 0) return ['', '']
  const busy = Math.round(mean(uses.map(use => use.busy)) * 100)
  return [`${busy} %`, byteText(Math.max(...uses.map(use => use.memoryBytes)))]
}

function secondsBetween(one: MeasurementLine, other: MeasurementLine): number {
  return (Date.parse(other.at) - Date.parse(one.at)) / 1000
}

function coresBetween(one: MeasurementLine, other: MeasurementLine): number {
  const seconds = secondsBetween(one, other)
  return seconds > 0 ? Math.max(0, other.cpuSeconds - one.cpuSeconds) / seconds : 0
}

function coresText(cores: number): string {
  return `${cores.toFixed(2)} cores`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
