/* Waiting for jobs and endpoints: asks until the state is final and tells each change. Ctrl-C ends the
 * waiting, not what is waited for, and says so. */
import { setTimeout as sleep } from 'node:timers/promises'
import { KaosError } from '../api/errors.ts'
import type { EndpointView, JobRow, JobView } from '../api/wire.ts'
import type { Session } from './base.ts'
import { path } from './client.ts'

/** Between two questions: quick at first, for small jobs. */
const FIRST_MS = 150
const LAST_MS = 2000

const FINAL_JOB = new Set(['JOB_SUCCESS', 'JOB_FAILURE', 'JOB_KILLED'])
const FINAL_ENDPOINT = new Set(['PIPELINE_RUNNING', 'PIPELINE_FAILURE', 'PIPELINE_KILLED'])

export function isFinal(state: string): boolean {
  return FINAL_JOB.has(state)
}

/** Resolves with the job once it is final, whatever its end. */
export async function jobEnd(
  { client }: Session,
  base: string,
  id: string,
  tell: (text: string) => void,
): Promise<JobView> {
  return until(
    () => client.get<JobView>(`${base}${path`/jobs/${id}`}`),
    view => FINAL_JOB.has(view.job.state),
    view => `${view.job.kind} ${view.job.jobId}: ${progressOf(view.job)}`,
    tell,
    `the job goes on; end it with: kaos train kill -j ${id}`,
  )
}

/** Resolves with the endpoint once it runs or will not. */
export async function endpointEnd(
  { client }: Session,
  base: string,
  name: string,
  tell: (text: string) => void,
): Promise<EndpointView> {
  return until(
    () => client.get<EndpointView>(`${base}${path`/serve/endpoints/${name}`}`),
    view => FINAL_ENDPOINT.has(view.state),
    view => `${view.name}: ${view.state}${reasonOf(view)}`,
    tell,
    `the endpoint goes on; end it with: kaos serve kill -e ${name}`,
  )
}

/** What went wrong, for exit 5. */
export function jobFailure(job: JobRow, logs: string): KaosError {
  const end = job.state === 'JOB_KILLED' ? 'was killed' : 'failed'
  // Its own hint to the log is said here in full.
  const why = job.reason === null ? '' : `: ${job.reason.replace(/; see: kaos train logs$/, '')}`
  const text = `job ${job.jobId} ${end}${why}; its log: ${logs}`
  return new KaosError('JOB_FAILED', text, { detail: { job } })
}

function progressOf({ kind, state, progress, reason }: JobRow): string {
  const files = kind === 'ingest' && progress
  if (files) return `${state}, ${files.done} of ${files.total} files${reasonOf({ reason })}`
  const trials = progress !== undefined && progress.total > 1
  const count = trials ? `, ${progress.done + progress.failed} of ${progress.total} trials` : ''
  return `${state}${count}${reasonOf({ reason })}`
}

function reasonOf({ reason }: { reason: string | null }): string {
  return reason === null ? '' : ` (${reason})`
}

async function until<T>(
  ask: () => Promise<T>,
  isEnd: (view: T) => boolean,
  describe: (view: T) => string,
  tell: (text: string) => void,
  left: string,
): Promise<T> {
  let told = ''
  return unlessLeft(
    () => tell(`\n${left}`),
    async () => {
      for (let wait = FIRST_MS; ; wait = Math.min(wait * 1.4, LAST_MS)) {
        const view = await ask()
        const text = describe(view)
        if (text !== told) tell(text)
        told = text
        if (isEnd(view)) return view
        await sleep(wait)
      }
    },
  )
}

/** Ctrl-C ends the command, and is answered before. */
export async function unlessLeft<T>(say: () => void, work: () => Promise<T>): Promise<T> {
  const leave = () => {
    say()
    process.exit(130)
  }
  process.once('SIGINT', leave)
  try {
    return await work()
  } finally {
    process.off('SIGINT', leave)
  }
}
