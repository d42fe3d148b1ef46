/* All that can be seen of a job while it runs, as events: its log, metrics, measurements, and where it
 * stands. Goes on where it was when the server comes back. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobRow, JobView, MeasurementLine, MetricLine, ModelRow } from '../../api/wire.ts'
import { type Client, path } from '../client.ts'
import { isFinal } from '../watch.ts'
import { asked, linesOf, Reach, wholeStream } from './patience.ts'

export type Event =
  | { readonly event: 'state'; readonly job: JobRow }
  | { readonly event: 'log'; readonly lines: readonly string[] }
  | { readonly event: 'metrics'; readonly points: readonly MetricLine[] }
  | { readonly event: 'measurements'; readonly samples: readonly MeasurementLine[] }
  /** Of a grid: where one of its trials stands. */
  | { readonly event: 'trial'; readonly trial: number; readonly row: ModelRow }
  | { readonly event: 'server'; readonly reachable: boolean }

export interface Watched {
  readonly client: Client
  /** `/workspaces/mnist` */
  readonly base: string
  readonly id: string
  /** Only that one. */
  readonly trial: number | undefined
  /** Whether there is a log to tell: not of many trials at once. */
  readonly log: boolean
}

const LOOK_MS = 1000
/** Trials to a page of the server's. */
const PAGE = 10
/** Pages of trials that are looked at. */
const PAGES_MAX = 100

/** Resolves with the job once it has ended, or that trial of it, and all was told. */
export async function watchJob(watched: Watched, tell: (event: Event) => void): Promise<JobView> {
  const reach = new Reach(reachable => tell({ event: 'server', reachable }))
  const { trial } = watched
  const [end] = await Promise.all([
    states(watched, reach, tell),
    watched.log ? logs(watched, reach, lines => tell({ event: 'log', lines })) : undefined,
    samples<MetricLine>(watched, reach, 'metrics', points => tell({ event: 'metrics', points })),
    samples<MeasurementLine>(watched, reach, 'measurements', all => {
      tell({ event: 'measurements', samples: all })
    }),
  ])
  return trial === undefined ? end : { ...end, models: end.models.slice(trial % PAGE).slice(0, 1) }
}

function jobOf({ client, base, id, trial }: Watched, page?: number): Promise<JobView> {
  const of = page ?? (trial === undefined ? 0 : Math.floor(trial / PAGE))
  return client.get<JobView>(`${base}${path`/jobs/${id}`}`, of === 0 ? {} : { page: of })
}

/** A trial that was not begun is on no page yet. */
async function viewOf(watched: Watched): Promise<JobView> {
  const first = await jobOf(watched, 0)
  const { trial = 0 } = watched
  const page = Math.floor(trial / PAGE)
  return page === 0 || page >= first.pageCount ? first : jobOf(watched, page)
}

function isOver({ trial }: Watched, { job, models, pageId }: JobView): boolean {
  if (isFinal(job.state) || trial === undefined) return isFinal(job.state)
  const row = pageId === Math.floor(trial / PAGE) ? models[trial % PAGE] : undefined
  return row !== undefined && isFinal(row.state)
}

async function states(
  watched: Watched,
  reach: Reach,
  tell: (event: Event) => void,
): Promise<JobView> {
  const trials = new Trials(watched, tell)
  for (let told = ''; ; await sleep(LOOK_MS)) {
    const view = await asked(reach, () => viewOf(watched))
    const text = JSON.stringify(view.job)
    if (text !== told) tell({ event: 'state', job: view.job })
    told = text
    const { total } = view.job.progress ?? { total: 1 }
    if (watched.trial === undefined && view.job.kind === 'train' && total > 1) {
      await asked(reach, () => trials.look(view))
    }
    if (isOver(watched, view)) return view
  }
}

/** The trials of a grid. A page whose trials have all ended is not asked for again. */
class Trials {
  readonly #watched: Watched
  readonly #tell: (event: Event) => void
  readonly #states = new Map<number, string>()
  readonly #done = new Set<number>()

  constructor(watched: Watched, tell: (event: Event) => void) {
    this.#watched = watched
    this.#tell = tell
  }

  async look(first: JobView): Promise<void> {
    for (let page = 0; page < Math.min(first.pageCount, PAGES_MAX); page++) {
      if (this.#done.has(page)) continue
      const { models } = page === 0 ? first : await jobOf(this.#watched, page)
      for (const [at, row] of models.entries()) this.#see(page * PAGE + at, row)
      if (models.length === PAGE && models.every(({ state }) => isFinal(state)))
        this.#done.add(page)
    }
  }

  #see(trial: number, row: ModelRow): void {
    if (this.#states.get(trial) === row.state) return
    this.#states.set(trial, row.state)
    this.#tell({ event: 'trial', trial, row })
  }
}

/** The log of what the job waits for, as long as that runs, and then its own. */
async function logs(
  watched: Watched,
  reach: Reach,
  tell: (lines: readonly string[]) => void,
): Promise<void> {
  const { client, base, id, trial } = watched
  const view = await asked(reach, () => viewOf(watched))
  for (const before of [view.ingest, view.build]) {
    if (!before || isFinal(view.job.state)) continue
    const state = async () => (await client.get<JobView>(`${base}${path`/jobs/${before}`}`)).job
    const job = await asked(reach, state)
    if (isFinal(job.state)) continue
    tell([`==> ${job.kind} ${before} <==`])
    await log(`${base}${path`/jobs/${before}/logs`}`, {}, async () =>
      isFinal((await state()).state),
    )
  }
  const query = trial === undefined ? {} : { trial }
  await log(`${base}${path`/jobs/${id}/logs`}`, query, async () =>
    isOver(watched, await viewOf(watched)),
  )

  async function log(from: string, asked: object, over: () => Promise<boolean>): Promise<void> {
    let seen = 0
    const open = () => client.stream(from, { ...asked, follow: true })
    await wholeStream(reach, open, over, async bytes => {
      let skip = seen
      for await (const lines of linesOf(bytes)) {
        const fresh = lines.slice(Math.min(skip, lines.length))
        skip -= lines.length - fresh.length
        seen += fresh.length
        if (fresh.length > 0) tell(fresh)
      }
    })
  }
}

/** Those of each attempt come in their order, whatever comes between them. */
async function samples<T extends MetricLine | MeasurementLine>(
  watched: Watched,
  reach: Reach,
  part: 'metrics' | 'measurements',
  tell: (lines: readonly T[]) => void,
): Promise<void> {
  const { client, base, id, trial } = watched
  const seen = new Map<string, number>()
  const query = { follow: true, ...(trial === undefined ? {} : { trial }) }
  const open = () => client.stream(`${base}${path`/jobs/${id}`}/${part}`, query)
  const over = async () => isOver(watched, await viewOf(watched))
  await wholeStream(reach, open, over, async bytes => {
    const passed = new Map<string, number>()
    for await (const lines of linesOf(bytes)) {
      const fresh = lines.flatMap(line => {
        const one = JSON.parse(line) as T
        const of = `${one.trial}/${one.attempt}`
        const count = (passed.get(of) ?? 0) + 1
        passed.set(of, count)
        if (count <= (seen.get(of) ?? 0)) return []
        seen.set(of, count)
        return [one]
      })
      if (fresh.length > 0) tell(fresh)
    }
  })
}
