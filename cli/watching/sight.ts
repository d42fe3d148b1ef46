/* What is known of a job that is watched, and how that looks as a block of lines: state, metrics and
 * use with their curves; of a grid a line for each trial that runs. */
import type { JobRow, ModelRow } from '../../api/wire.ts'
import { fitted, widthOf } from '../table.ts'
import { isFinal } from '../watch.ts'
import { numberText, Series } from './curves.ts'
import type { Event } from './feed.ts'
import { Use, type UseRow } from './use.ts'

const CURVE_MAX = 60
const TRIAL_CURVE = 16

export class Sight {
  readonly #grid: boolean
  readonly #metrics = new Map<number, Map<string, { series: Series; step: number }>>()
  readonly #use = new Map<number, Use>()
  readonly #trials = new Map<number, ModelRow>()
  #job: JobRow | undefined
  #reachable = true

  /** `grid`: all of its trials are watched, not one. */
  constructor(grid: boolean) {
    this.#grid = grid
  }

  see(event: Event): void {
    if (event.event === 'state') this.#job = event.job
    else if (event.event === 'server') this.#reachable = event.reachable
    else if (event.event === 'trial') this.#trials.set(event.trial, event.row)
    else if (event.event === 'measurements') {
      for (const sample of event.samples) this.useOf(sample.trial).add(sample)
    } else if (event.event === 'metrics') {
      for (const { trial, key, value, step } of event.points) {
        const all = this.#metrics.get(trial) ?? new Map()
        const metric = all.get(key) ?? { series: new Series(), step }
        metric.series.add(value)
        metric.step = step
        this.#metrics.set(trial, all.set(key, metric))
      }
    }
  }

  useOf(trial: number): Use {
    const known = this.#use.get(trial) ?? new Use()
    this.#use.set(trial, known)
    return known
  }

  /** At most so many lines of at most so many columns. */
  lines(columns: number, rows: number): string[] {
    const body = this.#grid ? this.#trialLines(columns) : this.#oneLines(columns)
    const room = Math.max(0, rows - 1)
    const shown =
      body.length > room
        ? [...body.slice(0, room - 1), ` and ${body.length - room + 1} more`]
        : body
    return [this.#head(columns), ...shown].map(line => fitted(line, columns))
  }

  #head(columns: number): string {
    const job = this.#job
    const parts = [job ? `${job.kind} ${job.jobId}` : '', job?.state ?? '']
    const { done = 0, failed = 0, total = 1 } = job?.progress ?? {}
    if (total > 1)
      parts.push(`${done} of ${total} trials done${failed ? `, ${failed} failed` : ''}`)
    if (job && !isFinal(job.state) && job.reason !== null) parts.push(job.reason)
    if (!this.#reachable) parts.push('the server is away, waiting for it')
    const text = parts.filter(part => part !== '').join('  ')
    const line = `\u2500\u2500 ${text} `
    return line + '\u2500'.repeat(Math.max(0, columns - widthOf(line)))
  }

  #oneLines(columns: number): string[] {
    const [trial] = [...this.#metrics.keys(), ...this.#use.keys()].slice(-1)
    const metrics = [...(this.#metrics.get(trial ?? 0) ?? [])].map(([name, { series, step }]) => ({
      name,
      now: numberText(series.last),
      series,
      more: `step ${step}, ${numberText(series.min)} to ${numberText(series.max)}`,
    }))
    const use = this.#use.get(trial ?? 0)
    return rowLines([...metrics, ...(use?.rows ?? [])], columns)
  }

  /** Those that run, then how the others ended. */
  #trialLines(columns: number): string[] {
    const all = [...this.#trials].toSorted(([a], [b]) => a - b)
    const running = all.filter(([, { state }]) => !isFinal(state))
    const names = all.map(([trial, row]) => trialName(trial, row))
    const width = Math.min(Math.max(0, ...names.map(widthOf)), Math.floor(columns / 2))
    return running.map(([trial, row]) => {
      const use = this.#use.get(trial)
      const metrics = [...(this.#metrics.get(trial) ?? [])].slice(0, 2)
      const said = metrics.map(
        ([key, { series }]) => `${key} ${numberText(series.last)} ${series.curve(TRIAL_CURVE)}`,
      )
      const parts = [...said, use?.text ?? '', said.length || use ? '' : row.state]
      const name = fitted(trialName(trial, row), width).padEnd(width)
      return ` ${name}  ${parts.filter(part => part !== '').join('  ')}`
    })
  }
}

/** `trial 3 degree=5_kernel=poly` */
export function trialName(trial: number, { hyperparams }: ModelRow): string {
  const point = hyperparams?.path.replace(/^.*\//, '').replace(/\.json$/, '')
  return point === undefined ? `trial ${trial}` : `trial ${trial} ${point}`
}

function rowLines(rows: readonly UseRow[], columns: number): string[] {
  const names = Math.max(0, ...rows.map(row => widthOf(row.name)))
  const curved = rows.filter(row => row.series !== undefined)
  const nows = Math.max(0, ...curved.map(row => widthOf(row.now)))
  const mores = Math.max(0, ...curved.map(row => widthOf(row.more ?? '')))
  const room = Math.min(CURVE_MAX, columns - names - nows - mores - 8)
  return rows.map(({ name, now, series, more = '' }) => {
    const begin = ` ${padded(name, names)}  `
    if (series === undefined) return begin + now
    const curve = room >= 8 ? `${padded(series.curve(room), Math.min(room, series.count))}  ` : ''
    return `${begin}${padded(now, nows)}  ${curve}${more}`
  })
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}
