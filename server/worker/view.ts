/** Workers as administrators see them: a row for each that was heard of, and for each name that was
 * not. */
import type { WorkerView } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import type { NameRecord, WorkerRecord } from './records.ts'

export async function workerViews(board: Board): Promise<WorkerView[]> {
  const heard = board.workers.workers()
  const silent = board.workers
    .names()
    .filter(({ agent }) => !heard.some(worker => worker.agent === agent))
  const rows = [
    ...heard.map(worker => rowOf(board, worker)),
    ...silent.map(name => unheard(board, name)),
  ]
  const { people } = board.parts
  const named = rows.map(async row => ({ ...row, by: row.by && (await people.nameOf(row.by)) }))
  return (await Promise.all(named)).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function rowOf(board: Board, worker: WorkerRecord): WorkerView {
  const { workers } = board
  const name = workers.nameOf(worker.agent)
  const { agent, instance: _instance, heardAt, forwarder, to: _to, ...about } = worker
  const state = workers.isDrained(agent) ? 'drained' : workers.isHere(worker) ? 'ready' : 'gone'
  return {
    ...about,
    ...noteOf(name),
    id: agent,
    state,
    lastHeard: new Date(heardAt).toISOString(),
    running: workers.runningOn(worker).length,
    ...(forwarder && { forwarder: forwarder.url }),
  }
}

function unheard(board: Board, name: NameRecord): WorkerView {
  const running = board.live.all().filter(({ record }) => record.agent === name.agent).length
  const state = name.retired ? 'retired' : name.drained ? 'drained' : 'new'
  return {
    ...{ name: name.name, id: name.agent, state, running, lastHeard: null },
    ...noteOf(name),
  }
}

function noteOf(name: NameRecord | undefined) {
  const note = name?.retired ?? name?.drained ?? null
  const token = name?.token
  return {
    by: note?.by ?? null,
    reason: note?.reason ?? null,
    tokenExpiresAt: token ? new Date(token.expiresAt).toISOString() : null,
  }
}
