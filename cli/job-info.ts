/* What `train info` shows, as the original laid it out. */
import type { JobView, ModelRow } from '../api/wire.ts'
import { type Cell, tableLines } from './table.ts'

export function infoText(view: JobView, sortBy: string | undefined): string {
  const { job, from, retry, processSeconds, availableMetrics, pageCount, pageId, models } = view
  const metrics = availableMetrics.map(metric => `'${metric}'`).join(', ')
  const columns = ['ind', 'Code', 'Data', 'Model ID', 'Hyperparams']
  const rows = models.map((model, at) => rowOf(model, at, sortBy !== undefined))
  return [
    '',
    `    Job ID: ${job.jobId}`,
    `    Process time: ${processSeconds === null ? '?' : `${Math.round(processSeconds)}s`}`,
    `    State: ${job.state}`,
    ...(from ? [`    ${originOf(view)}: ${from}`] : []),
    ...(retry?.kept.length ? [`    Models there: ${retry.kept.length}`] : []),
    ...filesOf(job.progress, job.kind),
    `    Available metrics: [${metrics}]`,
    '',
    `    Page count: ${pageCount}`,
    `    Page ID: ${pageId}`,
    ...tableLines({ columns: sortBy === undefined ? columns : [...columns, 'Score'], rows }),
    '',
    '',
  ].join('\n')
}

function originOf({ job, retry }: JobView): string {
  if (job.kind === 'replay') return 'Replay of'
  return retry ? 'Failed trials of' : 'Made from'
}

/** Of an ingestion. */
function filesOf(progress: JobView['job']['progress'], kind: string): string[] {
  if (kind !== 'ingest' || progress === undefined) return []
  const { done, failed, skipped = 0, total } = progress
  return [`    Files: ${done} of ${total}, failed ${failed}, skipped ${skipped}`]
}

function rowOf(model: ModelRow, at: number, scored: boolean): Cell[] {
  const { code, data, modelId, hyperparams, score } = model
  const cells = [at, origin(code), origin(data), modelId, hyperparams && origin(hyperparams)]
  return scored ? [...cells, score === null ? null : score.toFixed(4)] : cells
}

function origin({ author, path }: { author: string; path: string }): string {
  return `Author: ${author}\nPath: ${path}`
}
