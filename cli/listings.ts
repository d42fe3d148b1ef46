/* The listings of jobs and endpoints: blocks and columns of the original, in its order. Nothing may be
 * put in before the columns that scripts count. */
import type { EndpointView, JobRow, ServeList, TrainList } from '../api/wire.ts'
import { replayingTable } from './replay-texts.ts'
import type { Cell, Table } from './table.ts'
import { localTime } from './times.ts'

export function trainTables({ ingesting, building, training, replaying }: TrainList): Table[] {
  return [
    ...ingestingTables(ingesting),
    ...newest('BUILDING', building, ['duration', 'job_id', 'started', 'state']),
    ...(training.length === 0 ? [] : [trainingTable(training)]),
    ...(replaying?.length ? [replayingTable(replaying)] : []),
  ]
}

/** All that are not done, newest first: each is of another manifest, and one that failed is told. */
function ingestingTables(jobs: readonly JobRow[]): Table[] {
  const shown = jobs.filter(({ state }) => /^JOB_(STARTING|RUNNING|MERGING|FAILURE)$/.test(state))
  const columns = ['duration', 'job_id', 'progress', 'started', 'state']
  const rows = shown.map(job => columns.map(column => jobCells(job)[column]))
  return rows.length === 0 ? [] : [{ title: 'INGESTING', columns, rows }]
}

export function trainingTable(jobs: readonly JobRow[]): Table {
  const columns = ['duration', 'hyperopt', 'job_id', 'started', 'state']
  return indexed('TRAINING', columns, jobs.map(jobCells))
}

export function serveTables({ building, running }: ServeList): Table[] {
  const columns = ['created_at', 'name', 'state', 'url', 'user']
  const cells = running.map(endpointCells)
  return [
    ...newest('BUILDING', building, ['duration', 'hyperopt', 'job_id', 'started', 'state'], {
      hyperopt: null,
    }),
    ...(running.length === 0 ? [] : [indexed('RUNNING', columns, cells)]),
  ]
}

/** A table whose first column counts its rows from 0. */
export function indexed(
  title: string | undefined,
  columns: readonly string[],
  rows: readonly Readonly<Record<string, Cell>>[],
): Table {
  return {
    ...(title === undefined ? {} : { title }),
    columns: ['ind', ...columns],
    rows: rows.map((row, at) => [at, ...columns.map(column => row[column])]),
  }
}

/** Only the newest that runs or failed: one that is done is seen by what it made. */
function newest(
  title: string,
  jobs: readonly JobRow[],
  columns: readonly string[],
  fixed: Readonly<Record<string, Cell>> = {},
): Table[] {
  const [first] = [...jobs].sort((a, b) => Date.parse(b.started) - Date.parse(a.started))
  if (first === undefined || !/^JOB_(RUNNING|FAILURE)$/.test(first.state)) return []
  const cells = { ...jobCells(first), ...fixed }
  return [{ title, columns, rows: [columns.map(column => cells[column])] }]
}

function jobCells(job: JobRow): Record<string, Cell> {
  return {
    duration: job.duration ?? '?',
    hyperopt: job.hyperopt ?? '?',
    job_id: job.jobId,
    progress: progressText(job.progress),
    started: localTime(job.started),
    state: job.state,
  }
}

/** Three lines: counted of all with per cent, failed, skipped. */
function progressText(progress: JobRow['progress']): string {
  if (progress === undefined) return '?'
  const { done, failed, total, skipped = 0 } = progress
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
  return `${done}/${total} (${percent}%)\nfailed: ${failed}\nskipped: ${skipped}`
}

function endpointCells(endpoint: EndpointView): Record<string, Cell> {
  const { name, state, url, user } = endpoint
  return { created_at: localTime(endpoint.createdAt), name, state, url, user }
}
