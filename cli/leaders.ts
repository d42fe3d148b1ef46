/* The leaderboard as a table: a column for each thing in which the models differ, and none for what
 * they have in common. */
import type { Leader, LeaderboardView } from '../api/wire.ts'
import { indexed } from './listings.ts'
import type { Cell, Table } from './table.ts'
import { localTime } from './times.ts'

export function leaderTable({ metric, objective, leaders }: LeaderboardView): Table {
  const parameters = [...new Set(leaders.flatMap(one => Object.keys(one.values ?? {})))]
  const differing = parameters.filter(name => differ(leaders, one => one.values?.[name]))
  const inputs = (['code', 'data'] as const).filter(part => differ(leaders, one => one[part]))
  const tagged = leaders.some(one => one.tags.length > 0)
  const score = metric ?? 'score'
  const columns = [score, 'model_id', ...differing, ...inputs, ...(tagged ? ['tags'] : [])]
  const rows = leaders.map(one => {
    const cells: Record<string, Cell> = {
      ...Object.fromEntries(differing.map(name => [name, cellOf(one.values?.[name])])),
      ...Object.fromEntries(inputs.map(part => [part, one[part]])),
      tags: one.tags.join('\n'),
      author: one.author,
      started: localTime(one.at),
      model_id: one.modelId,
    }
    // Last: a parameter may have the metric's name.
    return { ...cells, [score]: scoreText(one.score) }
  })
  const best = objective === 'max' ? 'more is better' : 'less is better'
  return indexed(`${score}, ${best}`, [...columns, 'author', 'started'], rows)
}

/** Six digits, and none that say nothing. */
function scoreText(score: number): string {
  return String(Number(score.toPrecision(6)))
}

function differ(leaders: readonly Leader[], of: (leader: Leader) => unknown): boolean {
  return new Set(leaders.map(one => JSON.stringify(of(one) ?? null))).size > 1
}

function cellOf(value: unknown): Cell {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
