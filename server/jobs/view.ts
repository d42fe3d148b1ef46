/* Everything about one job: what went in, what came out, and how good it is. Ten trials to a page,
 * from 0. A metric sorts by its number, the best first; trials without that number come last. */
import { KaosError } from '../../api/errors.ts'
import type { JobView, ModelRow } from '../../api/wire.ts'
import { readSmallFile } from '../../store/trees.ts'
import { hyperOf } from '../attempts/orders.ts'
import { authorOf } from './authors.ts'
import type { Board } from './board.ts'
import { historyOf, runOf } from './history.ts'
import { recordsOf } from './reading.ts'
import { isFinal, type JobRecord, keyOf, type TrainPart, type TrialRecord } from './records.ts'
import { nowOf, rowOf } from './rows.ts'

export interface JobQuestion {
  readonly sortBy?: string | undefined
  readonly objective?: 'max' | 'min' | undefined
  readonly page?: number | undefined
}

const PAGE = 10
const KEPT_SHOWN = 1000
const ENVIRONMENT_MAX = 4 * 1024 * 1024

export async function jobView(
  board: Board,
  job: JobRecord,
  { sortBy, objective = 'max', page = 0 }: JobQuestion,
): Promise<JobView> {
  const trials = job.train ? await trialsOf(board, job.id) : []
  const availableMetrics = metricsOf(trials)
  if (sortBy !== undefined && !availableMetrics.includes(sortBy)) {
    throw noMetric(job, sortBy, availableMetrics)
  }
  const pageCount = Math.max(1, Math.ceil(trials.length / PAGE))
  if (page < 0 || page >= pageCount) throw noPage(job, page, pageCount)
  const sorted = sortBy === undefined ? trials : sortedBy(trials, sortBy, objective)
  const shown = sorted.slice(page * PAGE, (page + 1) * PAGE)
  return {
    job: await rowOf(board.parts.people, job, nowOf(board, job)),
    processSeconds: job.processMs > 0 ? job.processMs / 1000 : null,
    availableMetrics,
    pageCount,
    pageId: page,
    models: job.train && shown.length > 0 ? await modelRows(board, job.train, shown, sortBy) : [],
    resources: job.resources,
    attempts: job.attempts,
    environment: await environmentOf(board, job),
    ...(await historyOf(board, job)),
    build: job.train?.build ?? null,
    ingest: job.train?.ingest ?? null,
    ...(await retryView(board, job)),
    from: job.replay?.of.job ?? (await madeFrom(board, job)),
  }
}

/** All that were released, by their place in the grid. */
export async function trialsOf(board: Board, job: string): Promise<TrialRecord[]> {
  const trials: TrialRecord[] = []
  const records = recordsOf<TrialRecord>(board.parts.ledger, keyOf.trials(job))
  for await (const { value } of records) trials.push(value)
  return trials
}

export function metricsOf(trials: readonly TrialRecord[]): string[] {
  return [...new Set(trials.flatMap(trial => Object.keys(trial.metrics)))].sort()
}

function scoreOf(trial: TrialRecord, metric: string): number | null {
  const value = Object.hasOwn(trial.metrics, metric) ? trial.metrics[metric] : undefined
  return typeof value === 'number' ? value : null
}

function sortedBy(
  trials: readonly TrialRecord[],
  metric: string,
  objective: 'max' | 'min',
): TrialRecord[] {
  const direction = objective === 'max' ? -1 : 1
  return trials.toSorted((a, b) => {
    const [one, other] = [scoreOf(a, metric), scoreOf(b, metric)]
    if (one === null || other === null) return Number(one === null) - Number(other === null)
    return direction * (one - other) || a.index - b.index
  })
}

async function modelRows(
  board: Board,
  train: TrainPart,
  trials: readonly TrialRecord[],
  sortBy: string | undefined,
): Promise<ModelRow[]> {
  const code = await partOf(board, train.source)
  const data = await partOf(board, train.data!)
  const { ledger, people } = board.parts
  const hyperAuthor = train.hyper ? await authorOf(ledger, people, train.hyper) : ''
  return Promise.all(
    trials.map(async trial => {
      const hyper = await hyperOf(board, train, trial.index)
      return {
        modelId: trial.model ? trial.modelId : null,
        entity: trial.model,
        trial: trial.id,
        state: trial.state,
        reason: trial.reason,
        code,
        data,
        hyperparams: hyper
          ? { author: hyperAuthor, path: `/${hyper.hash}/${hyper.file}`, values: hyper.values }
          : null,
        metrics: trial.metrics,
        score: sortBy === undefined ? null : scoreOf(trial, sortBy),
        warnings: trial.warnings,
        run: isFinal(trial.state) ? await runOf(board, trial) : null,
      }
    }),
  )
}

async function partOf(board: Board, entity: string): Promise<ModelRow['code']> {
  const { ledger, people } = board.parts
  const node = await ledger.node(entity)
  const author = await authorOf(ledger, people, entity)
  return { author, path: `/${node?.name}`, entity, digest: node?.digest ?? null }
}

/** As was said when it was submitted. */
async function madeFrom({ parts }: Board, { id, train }: JobRecord): Promise<string | null> {
  if (!train) return null
  const options = { direction: 'up', depth: 1, relations: ['wasInformedBy'] } as const
  const { nodes } = await parts.ledger.lineage(id, options)
  return nodes.slice(1).find(({ kind }) => kind === 'train')?.id ?? null
}

/** What succeeded in the job before is kept there, and counts for this one. */
async function retryView(board: Board, { train }: JobRecord): Promise<Pick<JobView, 'retry'>> {
  if (!train?.retryOf) return {}
  const trials = await trialsOf(board, train.retryOf)
  const kept = trials.flatMap(({ model, modelId }) => (model ? [modelId] : []))
  return { retry: { of: train.retryOf, kept: kept.slice(0, KEPT_SHOWN) } }
}

async function environmentOf(board: Board, job: JobRecord): Promise<JobView['environment']> {
  if (job.environment === null) return null
  const bytes = await readSmallFile(board.parts.store, job.environment, ENVIRONMENT_MAX)
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>
}

function noMetric(job: JobRecord, metric: string, available: string[]): KaosError {
  const names = available.length === 0 ? 'none yet' : available.join(', ')
  const message = `job ${job.id} has no metric "${metric}"; available: ${names}`
  return new KaosError('METRIC_NOT_FOUND', message, { detail: { available } })
}

function noPage(job: JobRecord, page: number, pageCount: number): KaosError {
  const last = pageCount - 1
  const message = `job ${job.id} has no page ${page}; its pages are 0 to ${last}`
  return new KaosError('PAGE_ERROR', message, { detail: { pageCount } })
}
