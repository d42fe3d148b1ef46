/* Three ways to show a job that is watched: a block below the log on a terminal, plain lines elsewhere,
 * lines of JSON for programs. */
import type { JobRow, MetricLine, ModelRow } from '../../api/wire.ts'
import type { Stream } from '../look.ts'
import { isFinal } from '../watch.ts'
import { numberText } from './curves.ts'
import type { Event } from './feed.ts'
import { Sight, trialName } from './sight.ts'

export interface Printer {
  tell(event: Event): void
  /** Leaves the cursor on a line of its own. */
  end(): void
}

/** Between two lines about what a trial uses. */
const USE_EVERY_S = 10
const REDRAW_MS = 120
/** Rows that the log has at least. */
const LOG_ROWS = 5

/** An object a line: an event is one, and each of its lines, points, samples. */
export function jsonPrinter(stream: Pick<Stream, 'write'>): Printer {
  const write = (value: object) => void stream.write(`${JSON.stringify(value)}\n`)
  return {
    tell(event) {
      if (event.event === 'log') for (const text of event.lines) write({ event: 'log', text })
      else if (event.event === 'metrics') {
        for (const point of event.points) write({ event: 'metric', ...point })
      } else if (event.event === 'measurements') {
        for (const sample of event.samples) write({ event: 'measurement', ...sample })
      } else if (event.event === 'trial') {
        const { modelId, state, reason, hyperparams, metrics } = event.row
        const values = hyperparams?.values ?? null
        write({ event: 'trial', trial: event.trial, state, reason, modelId, values, metrics })
      } else write(event)
    },
    end: () => undefined,
  }
}

/** `grid`: many trials, so each line says of which it is. */
export function plainPrinter(stream: Pick<Stream, 'write'>, grid: boolean): Printer {
  const sight = new Sight(grid)
  const used = new Map<number, number>()
  const write = (line: string) => void stream.write(`${line}\n`)
  return {
    tell(event) {
      sight.see(event)
      for (const line of sentences(event, grid)) write(line)
      if (event.event !== 'measurements') return
      for (const trial of new Set(event.samples.map(one => one.trial))) {
        const { seconds, text } = sight.useOf(trial)
        if (seconds - (used.get(trial) ?? 0) < USE_EVERY_S) continue
        used.set(trial, seconds)
        write(`${grid ? `trial ${trial} ` : ''}used after ${Math.round(seconds)} s: ${text}`)
      }
    },
    end: () => undefined,
  }
}

export class ScreenPrinter implements Printer {
  readonly #stream: Stream & { rows?: number }
  readonly #grid: boolean
  readonly #sight: Sight
  #drawn = 0
  #timer: NodeJS.Timeout | undefined
  #above: string[] = []

  constructor(stream: Stream & { rows?: number }, grid: boolean) {
    this.#stream = stream
    this.#grid = grid
    this.#sight = new Sight(grid)
  }

  tell(event: Event): void {
    this.#sight.see(event)
    if (event.event === 'log') this.#above.push(...event.lines)
    if (event.event === 'trial') this.#above.push(...sentences(event, this.#grid))
    this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#draw()
  }

  #draw(): void {
    this.#timer = undefined
    const { columns = 80, rows = 24 } = this.#stream
    const room = Math.max(2, rows - LOG_ROWS)
    // One column is left free: a full line would wrap on some terminals.
    const block = this.#sight.lines(columns - 1, room)
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    const above = this.#above.map(line => `${printable(line)}\n`).join('')
    this.#above = []
    this.#stream.write(`\r${up}\x1b[0J${above}${block.map(line => `${line}\n`).join('')}`)
    this.#drawn = block.length
  }
}

/** What a program wrote moves no cursor here, and clears nothing. Colours may stay. */
function printable(line: string): string {
  const whole = line.replace(/\r$/, '')
  const shown = whole.slice(whole.lastIndexOf('\r') + 1)
  return shown.replace(/\x1b(?!\[[\d;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g, '\u{FFFD}')
}

function sentences(event: Event, grid: boolean): string[] {
  if (event.event === 'log') return [...event.lines]
  if (event.event === 'state') return [stateText(event.job)]
  if (event.event === 'metrics') return stepTexts(event.points, grid)
  if (event.event === 'trial') {
    // Between these there is nothing to wait for.
    const passing = event.row.state === 'JOB_STARTING' || event.row.state === 'JOB_MERGING'
    return passing ? [] : [trialText(event.trial, event.row)]
  }
  if (event.event === 'server') {
    return [event.reachable ? 'the server is back' : 'the server is away; waiting for it']
  }
  return []
}

function stateText({ kind, jobId, state, progress, reason }: JobRow): string {
  const trials = progress !== undefined && progress.total > 1
  const count = trials ? `, ${progress.done + progress.failed} of ${progress.total} trials` : ''
  return `${kind} ${jobId}: ${state}${count}${reason === null ? '' : ` (${reason})`}`
}

/** Values of one step in one line. */
function stepTexts(points: readonly MetricLine[], grid: boolean): string[] {
  const lines: { of: string; text: string }[] = []
  for (const { trial, step, key, value } of points) {
    const of = `${grid ? `trial ${trial} ` : ''}step ${step}:`
    const text = `${key} ${numberText(value)}`
    const last = lines.at(-1)
    if (last?.of === of) last.text += `  ${text}`
    else lines.push({ of, text })
  }
  return lines.map(({ of, text }) => `${of} ${text}`)
}

function trialText(trial: number, row: ModelRow): string {
  const values = Object.entries(row.metrics).flatMap(([key, value]) =>
    typeof value === 'number' ? [`${key} ${numberText(value)}`] : [],
  )
  const end = isFinal(row.state) && row.reason !== null ? [`(${row.reason})`] : []
  return [`${trialName(trial, row)}: ${row.state}`, ...end, ...values].join('  ')
}
