/* Answers about the graph as people read them. */
import type {
  Changed,
  FileChange,
  FolderDifference,
  FoundNode,
  ImpactView,
  MetricDelta,
  WhyView,
} from '../api/wire.ts'
import type { Cell, Table } from './table.ts'
import { byteText, countText, localTime } from './times.ts'

/** Only those with rows; `shown` rows of each. */
export function impactTables(view: ImpactView, shown: number): Table[] {
  const { jobs, models, others, tags, endpoints, counts } = view
  const table = (title: string, count: number, columns: string[], rows: Cell[][]): Table[] => {
    if (rows.length === 0) return []
    const cut = rows.slice(0, shown)
    const left = count > cut.length ? ` (${cut.length} of ${count})` : ''
    return [{ title: title + left, columns, rows: cut }]
  }
  return [
    ...table(
      'ENDPOINTS',
      counts.endpoints,
      ['name', 'state', 'running'],
      endpoints.map(one => [one.name, one.state ?? '?', one.running]),
    ),
    ...table(
      'TAGS',
      counts.tags,
      ['tag', 'since'],
      tags.map(one => [`${one.repository}:${one.tag}`, localTime(one.at)]),
    ),
    ...table(
      'MODELS',
      counts.models,
      ['model', 'made', 'who'],
      models.map(one => [one.name, localTime(one.at), one.author]),
    ),
    ...table(
      'JOBS',
      counts.jobs,
      ['job_id', 'kind', 'state', 'started', 'who'],
      jobs.map(one => [
        one.job,
        one.kind,
        one.state ?? 'JOB_RUNNING',
        localTime(one.at),
        one.author,
      ]),
    ),
    ...table(
      'OTHERS',
      counts.others,
      ['name', 'kind', 'made', 'who'],
      others.map(one => [one.name, one.kind, localTime(one.at), one.author]),
    ),
  ]
}

export function foundTable(results: readonly FoundNode[]): Table {
  const columns = ['name', 'kind', 'made', 'who', 'tags', 'metrics']
  const rows = results.map(({ name, kind, at, author, tags, metrics = {} }) => {
    const values = Object.entries(metrics).map(([metric, value]) => `${metric}=${value}`)
    return [name, kind, localTime(at), author ?? '', tags.join('\n'), values.join('\n')]
  })
  return { columns, rows }
}

export function whyText(view: WhyView): string {
  const { a, b, same, inputs, equal } = view
  const lines = [`a: ${a.kind} ${a.name}`, `b: ${b.kind} ${b.name}`, '']
  if (same) lines.push('Both are the same bytes.')
  else if (inputs.length === 0) {
    lines.push(
      'No input differs: what is different came by chance (random numbers, time, threads).',
    )
  } else lines.push('They differ in:', ...inputs.map(inputLine))
  if (equal.length > 0) lines.push(`The same in both: ${equal.join(', ')}`)
  for (const { role, files, truncated, ...names } of view.code) {
    lines.push('', `${role}: ${names.a} \u2192 ${names.b}`)
    for (const file of files) lines.push(file.diff ? plain(file.diff) : fileLine(file))
    if (truncated) lines.push('\u2026 there is more')
  }
  for (const one of view.data) lines.push('', ...folderLines(one))
  lines.push(...changes('Packages', view.packages), ...changes('Hyperparameters', view.hyperparams))
  lines.push(...changes('Environment', view.environment))
  if (view.metrics.length > 0) lines.push('', 'Metrics', ...view.metrics.map(metricLine))
  return `${lines.join('\n')}\n`
}

/** Of what others wrote nothing may reach the terminal but letters and lines. */
function plain(text: string): string {
  return text.trimEnd().replace(/[^\P{Cc}\n\t]/gu, '\u{FFFD}')
}

function inputLine({ role, a, b, note, through }: WhyView['inputs'][number]): string {
  const way = through.length === 0 ? '' : `, through ${through.join(', ')}`
  const why = note === undefined ? '' : ` (${note})`
  return `  ${role}: ${a ?? 'none'} \u2192 ${b ?? 'none'}${way}${why}`
}

function folderLines({ role, a, b, added, removed, changed, files, truncated }: FolderDifference) {
  const amounts = [
    [added, 'added'],
    [removed, 'removed'],
    [changed, 'changed'],
  ] as const
  const all = amounts
    .filter(([{ files }]) => files > 0)
    .map(([{ files, bytes }, what]) => `${countText(files, 'file')} ${what} (${byteText(bytes)})`)
  const left = added.files + removed.files + changed.files - files.length
  return [
    `${role}: ${a} \u2192 ${b}: ${all.join(', ') || 'no file differs'}`,
    ...files.map(fileLine),
    ...(left > 0 || truncated ? ['\u2026 there is more; see: kaos data diff'] : []),
  ]
}

function fileLine({ path, change, before, after }: FileChange): string {
  const name = path.replace(/\p{Cc}/gu, '\u{FFFD}')
  if (change === 'added') return `  + ${name} (${byteText(after ?? 0)})`
  if (change === 'removed') return `  - ${name} (${byteText(before ?? 0)})`
  if (change === 'mode') return `  x ${name}`
  return `  ~ ${name} (${byteText(before ?? 0)}, now ${byteText(after ?? 0)})`
}

function changes(title: string, all: readonly Changed[]): string[] {
  if (all.length === 0) return []
  return [
    '',
    title,
    ...all.map(({ name, a, b }) => `  ${name}: ${a ?? 'none'} \u2192 ${b ?? 'none'}`),
  ]
}

function metricLine({ name, a, b, delta }: MetricDelta): string {
  const sign = delta === null ? '' : ` (${delta > 0 ? '+' : ''}${Number(delta.toPrecision(4))})`
  return `  ${name}: ${a ?? 'none'} \u2192 ${b ?? 'none'}${sign}`
}
