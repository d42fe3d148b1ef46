/* What came of a replay, as people read it. */
import type { JobRow, MetricDelta, ReplayCause, ReplayView, VerdictView } from '../api/wire.ts'
import type { Cell, Table } from './table.ts'
import { byteText, countText, localTime } from './times.ts'

const ADVICE: Record<ReplayCause, string> = {
  randomness: 'seed every source of random numbers, for example random.seed(0), in the program',
  clock: 'take times out of what the program writes, or give them as a parameter',
  packages: 'pin the packages in requirements.txt with ==, as kaos train checkout --pin does',
  environment: 'run both on the same kind of host, or with the docker runner in one image',
  unknown: 'look at what each run wrote: kaos train get -j JOB -m',
}

const MARKS = { added: '+', removed: '-', changed: '~', mode: 'x' } as const

/** `JOB` in advice is the job of the replay. */
export function replayText({ job, of, runs, verdict }: ReplayView): string {
  const lines = [`Replay of ${of.modelId}: ${verdict?.verdict ?? job.state}`]
  if (verdict === null) lines.push(...runs.map(({ run, state }) => `  ${run}: ${state}`))
  else lines.push(...verdictLines(verdict, of.tree, job.jobId))
  return `${lines.join('\n').replace(/[^\P{Cc}\n]/gu, '\u{FFFD}')}\n`
}

function verdictLines(verdict: VerdictView, tree: string, job: string): string[] {
  const { reason, difference, judged, causes, experiments, unpinned } = verdict
  const lines: string[] = []
  if (verdict.verdict === 'identical') lines.push(`  the same bytes: ${tree}`)
  if (reason !== null) lines.push(`  ${reason}`)
  if (difference) lines.push(...differenceLines(difference))
  for (const { name, off, tolerance, within } of judged) {
    const how = off === null ? 'cannot be compared' : `is off by ${shortNumber(off)}`
    const allowed = `${shortNumber(tolerance)} ${tolerance === 1 ? 'is' : 'are'} allowed`
    lines.push(`  ${within ? 'within tolerance' : 'out of tolerance'}: ${name} ${how}, ${allowed}`)
  }
  const same = verdict.verdict === 'identical'
  if (causes.length > 0) lines.push(same ? 'Yet it depends on' : 'Because of')
  for (const { what, says, files, metrics } of causes) {
    const where = [...files, ...metrics]
    const shown = where.slice(0, SHOWN).join(', ') + (where.length > SHOWN ? ', \u2026' : '')
    lines.push(`  ${what}: ${says}${where.length === 0 ? '' : ` (seen in ${shown})`}`)
  }
  if (experiments.length > 0) lines.push('Found out by experiment', ...indented(experiments))
  const advice = causes.map(({ what }) => ADVICE[what].replace('JOB', job))
  const looser = same && !verdict.fresh && unpinned.length > 0
  if (looser) {
    const names = unpinned.slice(0, SHOWN).join(', ')
    const next = 'whether newer ones change it tells --fresh'
    advice.push(`requirements.txt leaves versions open (${names}); ${next}`)
  }
  if (advice.length > 0) lines.push('To better it', ...indented([...new Set(advice)]))
  return lines
}

const SHOWN = 5

function differenceLines({
  files,
  truncated,
  metrics,
}: NonNullable<VerdictView['difference']>): string[] {
  const size = (bytes: number | null) => (bytes === null ? 'none' : byteText(bytes))
  return [
    ...files.map(({ path, change, before, after }) => {
      return `  ${MARKS[change]} ${path} (${size(before)} \u2192 ${size(after)})`
    }),
    ...(truncated ? ['  and others, or content that is not here any more'] : []),
    ...metrics.map(metric => `  ${metricText(metric)}`),
  ]
}

function metricText({ name, a, b, delta }: MetricDelta): string {
  const change = delta === null ? '' : ` (${delta > 0 ? '+' : ''}${shortNumber(delta)})`
  return `${name}: ${a ?? 'none'} \u2192 ${b ?? 'none'}${change}`
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)))
}

function indented(lines: readonly string[]): string[] {
  return lines.map(line => `  ${line}`)
}

/** Replays, newest first. */
export function replayingTable(jobs: readonly JobRow[]): Table {
  const columns = ['model', 'verdict', 'runs', 'job_id', 'started', 'state']
  const rows = jobs.map(({ jobId, started, state, replay, progress }): Cell[] => [
    replay?.modelId ?? '',
    replay?.verdict ?? '?',
    progress === undefined ? '' : countText(progress.total, 'run'),
    jobId,
    localTime(started),
    state,
  ])
  return { title: 'REPLAYING', columns, rows }
}
