/* The history of experiments as lines: oldest at the left, each below what it came from. */
import type { Changed, Experiment, ExperimentsView } from '../api/wire.ts'
import { localTime } from './times.ts'

/** `wanted`: the one that was asked for is marked. */
export function experimentLines({ experiments }: ExperimentsView, wanted?: string): string[] {
  const there = new Set(experiments.map(one => one.job))
  const below = Map.groupBy(experiments, ({ parent }) =>
    parent !== null && there.has(parent) ? parent : '',
  )
  const lines: string[] = []
  const draw = (experiment: Experiment, first: string, indent: string) => {
    lines.push(`${first}${lineOf(experiment)}${experiment.job === wanted ? ' *' : ''}`)
    const children = below.get(experiment.job) ?? []
    if (experiment.differs.length > 0) {
      const bar = children.length > 0 ? '\u2502' : ' '
      lines.push(`${indent}${bar}    ${experiment.differs.map(changeText).join('; ')}`)
    }
    children.forEach((child, at) => {
      const last = at === children.length - 1
      const dash = child.link === 'said' ? '\u2500' : '\u2504'
      draw(
        child,
        `${indent}${last ? '\u2514' : '\u251c'}${dash} `,
        `${indent}${last ? '   ' : '\u2502  '}`,
      )
    })
  }
  for (const root of below.get('') ?? []) draw(root, '', '')
  return lines
}

function lineOf({ job, at, author, state, code, data, grid, trials, best }: Experiment): string {
  const inputs = [code, data, grid].filter(one => one !== null).join(' ')
  return [
    job,
    localTime(at),
    author ?? '',
    state,
    inputs,
    ...(trials > 1 ? [`${trials} trials`] : []),
    ...(best === null ? [] : [`best ${Number(best.toPrecision(6))}`]),
  ]
    .filter(part => part !== '')
    .join('  ')
    .replace(/\p{Cc}/gu, '\u{FFFD}')
}

function changeText({ name, a, b }: Changed): string {
  if (a === null) return `${name} ${b} added`
  return b === null ? `no ${name} any more` : `${name} ${a} \u2192 ${b}`
}
