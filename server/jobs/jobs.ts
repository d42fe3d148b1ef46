/* The jobs half of the server: trainings, builds, endpoints, and the attempts at them. Opened over
 * the parts of the server; everything it knows it has from the ledger. */
import { join } from 'node:path'
import type { Actor } from '../../api/actor.ts'
import { isKaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { openJournals } from '../attempts/journal.ts'
import { openLedgerJournals } from '../attempts/ledger-journal.ts'
import { openLiveAttempts } from '../attempts/live.ts'
import { expireAttempt } from '../attempts/report.ts'
import type { Endpoints, Parts, Workspace } from '../parts.ts'
import { openQueue } from '../queue/queue.ts'
import { QueueRules } from '../queue/rules.ts'
import { endpointsOf, routeOf } from '../serve/endpoints.ts'
import { killEndpoint } from '../serve/kill.ts'
import { Roster } from '../worker/roster.ts'
import { openRepeated } from './again.ts'
import { attemptEach, type Board } from './board.ts'
import { openChanges } from './changes.ts'
import { killJob } from './kill.ts'
import { type Messenger, openNeighbours } from './neighbours.ts'
import { pipelinesOf } from './pipelines.ts'
import { recordsOf } from './reading.ts'
import { openReadySet } from './ready.ts'
import type { AttemptRecord, EndpointRecord } from './records.ts'
import { readMemory, takeUp } from './recover.ts'
import { openTurns } from './turns.ts'

export interface Jobs extends Endpoints {
  /** For the routes of this half. */
  readonly board: Board
  /** Ends everything that runs in the workspace; a second call is no error. */
  stopWorkspace(actor: Actor, workspace: Workspace): Promise<void>
  /** Names as the original had them, of what exists. */
  pipelinesOf(workspace: Workspace): Promise<{ pipelines: string[]; repos: string[] }>
  /** Programs that outlive this process. */
  running(): { trainings: number; services: number }
  /** Lets go. Attempts stay held: who comes back within the lease after the next start goes on. */
  close(): Promise<void>
}

export async function openJobs(parts: Parts, messenger?: Messenger): Promise<Jobs> {
  const expiring = openExpiring(parts)
  const board = await openBoard(parts, messenger, attempt => expiring.begin(board, attempt))
  await readMemory(board)
  const again = await openRepeated(ending => takeUp(board, ending), {
    everyMs: TAKE_UP_MS,
    firstMs: FIRST_MS,
    log: parts.log,
  })
  const neighbours = parts.settings.shared ? openNeighbours(board) : undefined
  return {
    board,
    route(name) {
      const endpoint = board.endpoints.get(name)
      return endpoint && routeOf(board, endpoint)
    },
    stopWorkspace: (actor, workspace) => stopWorkspace(board, actor, workspace),
    pipelinesOf: workspace => pipelinesOf(board, workspace),
    running() {
      const kinds = board.live.all().map(({ record }) => record.work.kind)
      const count = (kind: string) => kinds.filter(one => one === kind).length
      return { trainings: count('trial'), services: count('service') }
    },
    async close() {
      board.live.close()
      board.changes.close()
      await again.close()
      await neighbours?.close()
      await expiring.settled()
    },
  }
}

async function openBoard(
  parts: Parts,
  messenger: Messenger | undefined,
  expired: (attempt: AttemptRecord) => void,
): Promise<Board> {
  const { settings, ledger, now } = parts
  const { leaseMs, shared, data } = settings
  let last = 0
  const live = openLiveAttempts({ parts, leaseMs, shared, expired })
  const ready = await openReadySet(ledger)
  return {
    parts,
    newId: () => newId((last = Math.max(now(), last + 1))),
    live,
    workers: await Roster.open(parts, live),
    changes: openChanges(messenger),
    turns: openTurns(),
    ready,
    queue: openQueue(ready, live, await QueueRules.open(ledger, now)),
    journals: shared
      ? openLedgerJournals('journal', parts)
      : await openJournals(join(data, 'logs', 'attempts')),
    measurements: shared
      ? openLedgerJournals('measured', parts)
      : await openJournals(join(data, 'measurements', 'attempts')),
    metrics: shared
      ? openLedgerJournals('metric', parts)
      : await openJournals(join(data, 'metrics', 'attempts')),
    endpoints: new Map<string, EndpointRecord>(),
  }
}

/** Now and then: what an error left waiting goes on without a restart. */
const TAKE_UP_MS = 30_000
/** A start does not wait longer for it: with thousands of open jobs the rest goes on beside the calls. */
const FIRST_MS = 1000

/** Attempts whose lease has run out, each given up once. */
function openExpiring({ log }: Parts) {
  const running = new Map<string, Promise<void>>()

  async function giveUp(board: Board, attempt: AttemptRecord): Promise<void> {
    try {
      await expireAttempt(board, attempt)
    } catch (error) {
      log('error', `attempt ${attempt.id} could not be given up: ${(error as Error).message}`)
    } finally {
      running.delete(attempt.id)
    }
  }

  return {
    begin(board: Board, attempt: AttemptRecord): void {
      if (!running.has(attempt.id)) running.set(attempt.id, giveUp(board, attempt))
    },
    settled: () => Promise.all(running.values()),
  }
}

async function stopWorkspace(board: Board, actor: Actor, workspace: Workspace): Promise<void> {
  const killing = { by: actor.id, reason: `workspace ${workspace.name} was killed` }
  const endpoints = endpointsOf(board, workspace.id)
  await attemptEach(board, 'an endpoint could not be stopped', endpoints, async ({ name }) => {
    await killEndpoint(board, name, killing).catch(unlessNotRunning)
  })
  const open = recordsOf<object>(board.parts.ledger, `open/${workspace.id}/`)
  await attemptEach(board, 'a job could not be stopped', open, async ({ key }) => {
    const id = key.slice(key.lastIndexOf('/') + 1)
    await killJob(board, { workspace: workspace.id, id }, killing).catch(unlessNotRunning)
  })
}

function unlessNotRunning(error: unknown): void {
  if (!isKaosError(error, 'JOB_NOT_RUNNING')) throw error
}
