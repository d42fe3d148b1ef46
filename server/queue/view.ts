/* The queue as people see it: what runs where, what is next and why it is not running yet, and what
 * waits for other work. Only of workspaces that the asker may read. */
import type { Actor } from '../../api/actor.ts'
import type { QueueRow, QueueView } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord, recordsOf, resting } from '../jobs/reading.ts'
import type { ReadyWork } from '../jobs/ready.ts'
import { type JobRecord, keyOf, type WorkRef } from '../jobs/records.ts'
import { inOrder, type Load, loadOf, obstacleTo } from './order.ts'
import { ALL } from './rules.ts'

/** Of each part; what comes after that is only counted. */
const SHOWN = 200
/** Jobs without outcome that are looked at for what they wait for. */
const LOOKED_AT = 2000

type Names = ReadonlyMap<string, string>

export async function viewOf(
  board: Board,
  actor: Actor,
  workspace: string | undefined,
): Promise<QueueView> {
  const { workspaces } = board.parts
  const asked =
    workspace === undefined
      ? await workspaces.list(actor)
      : [await workspaces.find(actor, workspace)]
  const names = new Map(asked.map(({ id, name }) => [id, name]))
  const { rules } = board.queue
  const live = board.live.all().map(({ record }) => record)
  const load = loadOf(live.map(({ work }) => work))
  const mine = ({ work }: { work: WorkRef }) => names.has(work.workspace)
  const running = live.filter(mine).map(({ work, id, worker, number }) => ({
    ...rowOf(work, names, new Date(bornAt(id)).toISOString()),
    worker,
    attempt: number,
  }))
  // Where others stand changes nothing in the order of these among themselves.
  const all = board.ready.all().filter(mine)
  const ready = inOrder(all, rules, load, SHOWN)
  const { waiting, whole } = await waitingIn(board, names)
  const counts = { running: running.length, ready: all.length, waiting: waiting.length }
  return {
    pauses: await pausesOf(board, names),
    limits: [...rules.limits].flatMap(([id, trials]) => {
      const name = names.get(id)
      return name === undefined ? [] : [{ workspace: name, trials }]
    }),
    running: running.slice(0, SHOWN),
    ready: ready.map(entry => readyRow(board, entry, names, load)),
    waiting: waiting.slice(0, SHOWN),
    counts: { ...counts, waiting: whole ? counts.waiting : null },
    truncated: !whole || Object.values(counts).some(count => count > SHOWN),
  }
}

function readyRow(board: Board, entry: ReadyWork, names: Names, load: Load) {
  const { work } = entry
  const obstacle = obstacleTo(work, board.queue.rules, load)
  const since = new Date(readySince(entry)).toISOString()
  return {
    ...rowOf(work, names, since),
    reason: obstacle ?? board.workers.need(work),
  }
}

/** Milliseconds since 1970. */
export function readySince({ key }: ReadyWork): number {
  return Number(key.split('/')[2])
}

function rowOf(work: WorkRef, names: Names, since: string): QueueRow {
  const { kind, workspace, job } = work
  return {
    kind,
    workspace: names.get(workspace) ?? workspace,
    jobId: job,
    ...(kind === 'trial' ? { trial: work.index } : {}),
    ...(kind === 'service' ? { endpoint: work.endpoint } : {}),
    since,
  }
}

/** How many trials wait for an image, for data or for others of their job; of so many jobs at most. */
export async function countWaiting(board: Board, jobsMax = 2000): Promise<number> {
  let [jobs, trials] = [0, 0]
  for await (const { key } of resting(recordsOf<object>(board.parts.ledger, 'open/'))) {
    if (++jobs > jobsMax) break
    const [, workspace = '', id = ''] = key.split('/')
    const job = (await readRecord<JobRecord>(board.parts.ledger, keyOf.job(workspace, id)))?.value
    trials += (job && waitOf(job)?.count) ?? 0
  }
  return trials
}

type Waiting = QueueView['waiting'][number]

/** Trainings that wait for an image or for data, and trials that wait for others of their job. `whole`:
 * there are no others. */
async function waitingIn(
  board: Board,
  names: Names,
): Promise<{ waiting: Waiting[]; whole: boolean }> {
  const { ledger } = board.parts
  const waiting: Waiting[] = []
  let left = LOOKED_AT
  for (const [workspace, name] of names) {
    for await (const { key } of resting(recordsOf<object>(ledger, `open/${workspace}/`))) {
      if (left-- === 0) return { waiting, whole: false }
      const id = key.slice(key.lastIndexOf('/') + 1)
      const job = (await readRecord<JobRecord>(ledger, keyOf.job(workspace, id)))?.value
      const found = job && waitOf(job)
      if (!found) continue
      waiting.push({ kind: 'trial', workspace: name, jobId: id, since: job.started, ...found })
    }
  }
  return { waiting, whole: true }
}

function waitOf({ train, stop }: JobRecord): { count: number; reason: string } | undefined {
  if (!train) return undefined
  const count = train.total - train.next
  if (stop) return count > 0 ? { count, reason: 'nothing: the job is being stopped' } : undefined
  if (train.image === null) return { count: train.total, reason: `build job ${train.build}` }
  if (train.data === null) return { count: train.total, reason: `ingestion job ${train.ingest}` }
  if (count === 0) return undefined
  return { count, reason: `trials of the same job (${train.parallelism} at once)` }
}

async function pausesOf(board: Board, names: Names): Promise<QueueView['pauses']> {
  const { people } = board.parts
  const pauses: QueueView['pauses'] = []
  for (const [of, { by, at, reason }] of board.queue.rules.pauses) {
    const workspace = of === ALL ? null : names.get(of)
    if (workspace !== undefined) pauses.push({ workspace, by: await people.nameOf(by), at, reason })
  }
  return pauses
}

/** Milliseconds since 1970, as a UUIDv7 has them. */
function bornAt(id: string): number {
  return Number.parseInt(id.slice(0, 12), 16)
}
