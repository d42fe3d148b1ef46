/* What the rooms of the jobs half share: the parts of the server, and what is known in memory. All
 * of it is rebuilt from records at a start. */
import type { KaosError } from '../../api/errors.ts'
import { traceparentHere } from '../../api/tracing/tracing.ts'
import type { Expectation, RecordWrite, Statement } from '../../graph/ledger.ts'
import type { Journals } from '../attempts/journal.ts'
import type { LiveAttempts } from '../attempts/live.ts'
import type { Parts, Workspace } from '../parts.ts'
import type { Queue } from '../queue/queue.ts'
import type { Roster } from '../worker/roster.ts'
import { type Changes, endpointTopic, jobTopic, READY } from './changes.ts'
import { forget, write } from './reading.ts'
import type { ReadySet } from './ready.ts'
import { type EndpointRecord, type JobRecord, keyOf, type WorkRef } from './records.ts'
import type { Turns } from './turns.ts'

export interface Board {
  readonly parts: Parts
  /** A new id, greater than those before it: ids sort by birth also within a millisecond. */
  newId(): string
  readonly changes: Changes
  readonly turns: Turns
  readonly ready: ReadySet
  readonly queue: Queue
  readonly live: LiveAttempts
  /** Workers that were heard of. */
  readonly workers: Roster
  /** Logs of running attempts, and what was measured of them. */
  readonly journals: Journals
  readonly measurements: Journals
  /** Metrics that running trainings have said. */
  readonly metrics: Journals
  /** Endpoints that are listed, by name. */
  readonly endpoints: Map<string, EndpointRecord>
}

/** One commit in the making, with what memory has to learn once it is durable. */
export interface Plan {
  readonly actor: string
  readonly organisation: string
  readonly expect: Expectation[]
  readonly statements: Statement[]
  readonly records: RecordWrite[]
  readonly after: (() => void)[]
}

/** `relied`: what must hold because the plan speaks of content (parts.intake). */
export function planFor(
  actor: string,
  organisation: string,
  relied: readonly Expectation[] = [],
): Plan {
  return { actor, organisation, expect: [...relied], statements: [], records: [], after: [] }
}

/** Commits, then tells memory. Nothing is told when the commit fails. */
export async function carryOut(board: Board, plan: Plan): Promise<void> {
  const { actor, organisation, expect, statements, records } = plan
  await board.parts.ledger.commit({ actor, organisation, expect, statements, records })
  for (const tell of plan.after) tell()
}

/** RFC 3339 by the server's clock. */
export function timeOf(board: Board): string {
  return new Date(board.parts.now()).toISOString()
}

/** The row of a job that was just submitted; its kind's own part is the caller's. */
export function startingJob(
  board: Board,
  workspace: Workspace,
  kind: JobRecord['kind'],
  author: string,
): JobRecord {
  return {
    id: board.newId(),
    kind,
    workspace: workspace.id,
    workspaceName: workspace.name,
    organisation: workspace.organisation,
    author,
    state: 'JOB_STARTING',
    started: timeOf(board),
    finished: null,
    reason: null,
    stop: null,
    resources: {},
    attempts: 0,
    processMs: 0,
    environment: null,
    ...traced(),
  }
}

/** What the work that is asked for here is a part of, for whoever gathers traces. */
export function traced(): { traceparent?: string } {
  const traceparent = traceparentHere()
  return traceparent === undefined ? {} : { traceparent }
}

export function saveJob(board: Board, plan: Plan, job: JobRecord): void {
  plan.records.push(write(keyOf.job(job.workspace, job.id), job))
  plan.after.push(() => board.changes.wake(jobTopic(job.id)))
}

export function saveEndpoint(board: Board, plan: Plan, endpoint: EndpointRecord): void {
  plan.records.push(write(keyOf.endpoint(endpoint.name), endpoint))
  plan.after.push(() => {
    board.endpoints.set(endpoint.name, endpoint)
    board.changes.wake(endpointTopic(endpoint.name))
  })
}

export function makeReady(board: Board, plan: Plan, work: WorkRef, since: string): void {
  const key = keyOf.ready(work, since)
  plan.records.push(write(key, work))
  plan.after.push(() => {
    board.ready.add({ key, work })
    board.changes.wake(READY)
  })
}

export function takeBack(board: Board, plan: Plan, work: WorkRef, since: string): void {
  const key = keyOf.ready(work, since)
  plan.records.push(forget(key))
  plan.after.push(() => board.ready.remove(key))
}

/** Carries on with the rest when one of several things goes wrong, and says so in the log. */
export async function attemptEach<T>(
  board: Board,
  what: string,
  things: Iterable<T> | AsyncIterable<T>,
  work: (thing: T) => Promise<unknown>,
): Promise<void> {
  for await (const thing of things) {
    try {
      await work(thing)
    } catch (error) {
      const { message, code } = error as KaosError
      board.parts.log('error', `${what}: ${message}`, { code, stack: (error as Error).stack })
    }
  }
}
