/* What was measured, as tables: the bars with their verdicts, and every step of every contestant. */
import { type Bar, verdictOf } from './bars.ts'
import { median, quantile } from './measure.ts'
import type { Line } from './rounds.ts'

type Row = readonly string[]

export function barRows(bars: readonly Bar[], missing: ReadonlyMap<string, string>): Row[] {
  const head = ['bar', 'what', 'goal', 'moonshot', 'measured', 'min', 'p95', 'n', 'verdict']
  const rows = bars.map(bar => {
    const sign = bar.better === 'larger' ? '≥' : '≤'
    const values = [...bar.values]
    const verdict = verdictOf(bar)
    const why = (bar.peers ?? [])
      .map(peer => missing.get(peer) ?? missing.get(`${bar.suite} ${peer}`))
      .find(one => one !== undefined)
    return [
      bar.id,
      bar.what,
      `${sign} ${bar.goal}`,
      `${sign} ${bar.moonshot}`,
      ...(values.length === 0
        ? ['', '', '', '0', why ?? verdict]
        : [
            number(median(values)),
            number(Math.min(...values)),
            number(quantile(values, 0.95)),
            String(values.length),
            verdict,
          ]),
    ]
  })
  return [head, ...rows]
}

export function stepRows(lines: readonly Line[]): Row[] {
  const head = ['step', 'who', 'wall s', 'min', 'p95', 'n', 'client CPU s', 'server CPU s']
  const rest = ['sent MB', 'stored MB', 'client MB', 'server MB', 'load']
  const groups = Map.groupBy(
    lines.filter(one => !one.counted),
    one => `${one.suite} ${one.step}\0${one.contestant}`,
  )
  const rows = [...groups].map(([key, group]) => {
    const [step = '', who = ''] = key.split('\0')
    const walls = group.map(one => one.wallMs / 1000)
    const counted = lines.filter(one => one.counted && `${one.suite} ${one.step}` === step)
    const sent = [...counted, ...group].find(
      one => one.contestant === who && one.wireBytes !== undefined,
    )
    return [
      step,
      who,
      number(median(walls)),
      number(Math.min(...walls)),
      number(quantile(walls, 0.95)),
      String(group.length),
      middle(group, one => one.clientCpuMs / 1000),
      middle(group, one => one.serverCpuMs && one.serverCpuMs / 1000),
      sent?.wireBytes === undefined ? '' : number(sent.wireBytes / 1e6),
      middle(group, one => one.storedBytes && one.storedBytes / 1e6),
      middle(group, one => one.clientPeakBytes && one.clientPeakBytes / 1e6),
      middle(group, one => one.serverPeakBytes && one.serverPeakBytes / 1e6),
      middle(group, one => one.load),
    ]
  })
  rows.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : a[0] === b[0] ? 0 : 1))
  return [[...head, ...rest], ...rows]
}

function middle(group: readonly Line[], value: (line: Line) => number | undefined): string {
  const values = group.flatMap(one => value(one) ?? [])
  return values.length === 0 ? '' : number(median(values))
}

function number(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function plainTable(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => (row[column] ?? '').length)),
  )
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function markdownTable(rows: readonly Row[]): string {
  const [head = [], ...rest] = rows
  const line = (row: Row) => `| ${row.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rest.map(line)].join('\n')
}

const BEGIN = '<!-- bench: begin -->'
const END = '<!-- bench: end -->'

/** The page with what stands between the two marks replaced. */
export function withTable(page: string, text: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`the page has no place between ${BEGIN} and ${END}`)
  return `${page.slice(0, from + BEGIN.length)}\n${text.trim()}\n${page.slice(to)}`
}
