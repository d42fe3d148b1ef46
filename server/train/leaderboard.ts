/* The best models of a workspace by one metric, over all of its trainings. A replay's models do not
 * compete: they are others' run again. */
import { KaosError } from '../../api/errors.ts'
import type { Leader, LeaderboardView } from '../../api/wire.ts'
import { hyperOf } from '../attempts/orders.ts'
import { placesOf, tagsOf } from '../catalogue/versions.ts'
import type { Board } from '../jobs/board.ts'
import type { JobRecord, TrialRecord } from '../jobs/records.ts'
import { metricsOf, trialsOf } from '../jobs/view.ts'
import type { Workspace } from '../parts.ts'
import { jobsOf } from './list.ts'

export interface LeaderboardQuestion {
  readonly metric?: string | undefined
  readonly objective?: 'max' | 'min' | undefined
  readonly limit?: number | undefined
}

/** The newest, at most: what is shown is for people to look at. */
const TRIALS_MAX = 20_000
const LIMIT = 20
/** Of these less is better, where nobody says otherwise. */
const LESS = /(^|_)(loss|error|err|mae|mse|rmse|mape|perplexity|nll|wer|cer)(_|$)/i

interface Entry {
  readonly job: JobRecord
  readonly trial: TrialRecord
}

export async function leaderboard(
  board: Board,
  workspace: Workspace,
  { metric: asked, objective, limit = LIMIT }: LeaderboardQuestion,
): Promise<LeaderboardView> {
  const { entries, truncated } = await entriesOf(board, workspace.id)
  const available = metricsOf(entries.map(one => one.trial))
  const metric = asked ?? usualOf(entries)
  if (metric === undefined) {
    return { metric: null, objective: objective ?? 'max', available, leaders: [], truncated }
  }
  if (!available.includes(metric)) {
    const names = available.length === 0 ? 'none yet' : available.join(', ')
    const message = `no model of workspace ${workspace.name} has a metric "${metric}"; available: ${names}`
    throw new KaosError('METRIC_NOT_FOUND', message, { detail: { available } })
  }
  const better = objective ?? (LESS.test(metric) ? 'min' : 'max')
  const sign = better === 'max' ? -1 : 1
  const scored = entries.flatMap(entry => {
    const score = scoreOf(entry.trial, metric)
    return score === undefined ? [] : [{ ...entry, score }]
  })
  // Of equals the older one was there first.
  const best = scored
    .toSorted((a, b) => sign * (a.score - b.score) || (a.trial.id < b.trial.id ? -1 : 1))
    .slice(0, limit)
  const tags = tagNames(board, workspace.id)
  const leaders = await Promise.all(best.map(one => leaderOf(board, one, tags)))
  return { metric, objective: better, available, leaders, truncated }
}

/** All that made a model. */
async function entriesOf(board: Board, workspace: string) {
  const entries: Entry[] = []
  for (const job of await jobsOf(board, workspace)) {
    if (job.kind !== 'train' || !job.train) continue
    for (const trial of await trialsOf(board, job.id)) {
      if (trial.model) entries.push({ job, trial })
    }
    if (entries.length >= TRIALS_MAX) return { entries, truncated: true }
  }
  return { entries, truncated: false }
}

/** The number that most models have; of several one that was measured on test data. */
function usualOf(entries: readonly Entry[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { trial } of entries) {
    for (const [name, value] of Object.entries(trial.metrics)) {
      if (typeof value === 'number') counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  const rank = ([name, count]: [string, number]) => count + (/(^|_)test(_|$)/i.test(name) ? 0.5 : 0)
  const sorted = [...counts].toSorted((a, b) => rank(b) - rank(a) || (a[0] < b[0] ? -1 : 1))
  return sorted[0]?.[0]
}

function scoreOf({ metrics }: TrialRecord, metric: string): number | undefined {
  const value = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
  return typeof value === 'number' ? value : undefined
}

/** By entity, `mnist:champion`. */
function tagNames({ parts: { ledger } }: Board, ws: string) {
  return async (entity: string): Promise<string[]> => {
    const places = await placesOf(ledger, ws, entity)
    const names = places.map(({ repository, number }) => `${repository}@v${number}`)
    for (const { repository } of places) {
      for (const tag of await tagsOf(ledger, ws, repository)) {
        if (tag.entity === entity) names.push(`${repository}:${tag.tag}`)
      }
    }
    return names
  }
}

async function leaderOf(
  board: Board,
  { job, trial, score }: Entry & { score: number },
  tags: ReturnType<typeof tagNames>,
): Promise<Leader> {
  const { ledger, people } = board.parts
  const { source, data } = job.train!
  const hyper = await hyperOf(board, job.train!, trial.index)
  const [code, used] = await Promise.all([
    ledger.node(source),
    data ? ledger.node(data) : undefined,
  ])
  return {
    modelId: trial.modelId,
    entity: trial.model!,
    jobId: job.id,
    score,
    author: await people.nameOf(job.author),
    at: job.started,
    code: code?.name ?? source,
    data: used?.name ?? null,
    values: hyper?.values ?? null,
    tags: await tags(trial.model!),
    metrics: trial.metrics,
  }
}
