/* Both texts that a Prometheus server reads: exposition format 0.0.4, and OpenMetrics 1.0.0 for whoever
 * asks for it. */
import type { Family, Sample } from './families.ts'

export interface Format {
  readonly contentType: string
  readonly open: boolean
}

export const PLAIN: Format = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  open: false,
}
export const OPEN: Format = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  open: true,
}

/** What the caller's Accept asks for; the plain one unless it ranks OpenMetrics at least as high. */
export function formatFor(accept: string | undefined): Format {
  const rank = (type: RegExp) =>
    Math.max(
      0,
      ...(accept ?? '').split(',').map(part => {
        const [name = '', ...parameters] = part.split(';').map(one => one.trim())
        if (!type.test(name)) return 0
        const version = parameters.find(one => one.startsWith('version='))
        if (version !== undefined && !/^version="?(0\.0\.[14]|1\.0\.0)"?$/.test(version)) return 0
        const q = parameters.find(one => one.startsWith('q='))?.slice(2)
        return q === undefined ? 1 : Number(q) || 0
      }),
    )
  const open = rank(/^application\/openmetrics-text$/i)
  return open > 0 && open >= rank(/^text\/plain$/i) ? OPEN : PLAIN
}

export function textOf(families: readonly Family[], { open }: Format): string {
  const parts = families.map(family => partOf(family, open))
  return `${parts.join('')}${open ? '# EOF\n' : ''}`
}

function partOf(family: Family, open: boolean): string {
  const { name, type, help } = family
  // A counter is named by its samples in the old format, and without their suffix in the new one.
  const shown = type === 'counter' && !open ? `${name}_total` : name
  const unit = /_(seconds|bytes)$/.exec(name)?.[1]
  const head = [
    `# HELP ${shown} ${escapedHelp(help, open)}\n`,
    `# TYPE ${shown} ${type}\n`,
    ...(open && unit !== undefined ? [`# UNIT ${shown} ${unit}\n`] : []),
  ]
  return (
    head.join('') +
    family
      .samples()
      .map(sample => lineOf(name, sample))
      .join('')
  )
}

function lineOf(name: string, { suffix, labels, value }: Sample): string {
  const inside = labels.map(([label, text]) => `${label}="${escaped(text)}"`).join(',')
  return `${name}${suffix}${inside === '' ? '' : `{${inside}}`} ${numberOf(value)}\n`
}

function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function escapedHelp(text: string, open: boolean): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return open ? plain.replaceAll('"', '\\"') : plain
}
