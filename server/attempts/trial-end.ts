/** The end of an attempt at a trial: the trial with what it used and made, or a new try. */
import type { Digest } from '../../api/digest.ts'
import type { Statement } from '../../graph/ledger.ts'
import { addAttestation } from '../attestations/signed.ts'
import { type Board, makeReady, type Plan, saveJob } from '../jobs/board.ts'
import { same, write } from '../jobs/reading.ts'
import type { AttemptRecord, JobRecord, TrialRecord } from '../jobs/records.ts'
import {
  addJournals,
  courseOf,
  environmentEntity,
  type Facts,
  ranMs,
  traceOf,
  wellFormed,
} from './facts.ts'
import { lastSaid } from './metric-history.ts'
import { readMetrics } from './metrics.ts'
import type { TrialPlace } from './places.ts'
import { addModel, addTrial } from './trial-facts.ts'
import type { End } from './verdict.ts'
import { ATTEMPTS_MAX, type Ending, reasonOf, STATES, type Verdict, verdictOn } from './verdict.ts'

export async function endTrial(
  board: Board,
  plan: Plan,
  place: TrialPlace,
  attempt: AttemptRecord,
  end: End,
): Promise<void> {
  const { job, trial } = place
  const { ending } = end
  plan.expect.push(same(place.jobHeld))
  const verdict = verdictOn(ending, {
    stop: job.stop !== null,
    tries: attempt.number,
    limit: ATTEMPTS_MAX,
  })
  const traces = [...trial.traces, traceOf(attempt, ending)]
  const facts: Facts = { nodes: [], edges: [] }
  addJournals(board, facts, attempt, ending)
  if (verdict.is === 'again') {
    const detail = { job: job.id, trial: trial.id, ...courseOf(attempt, ending, end.report) }
    plan.statements.push({ type: 'attempt.lost', workspace: job.workspace, ...facts, detail })
    plan.records.push(write(place.key, { ...trial, attempt: null, phase: null, traces }))
    makeReady(board, plan, attempt.work, job.started)
    saveJob(board, plan, job)
    return
  }
  await settle(board, plan, place, attempt, end, { verdict, facts, traces })
}

interface Settled {
  readonly verdict: Verdict
  readonly facts: Facts
  readonly traces: TrialRecord['traces']
}

async function settle(
  board: Board,
  plan: Plan,
  place: TrialPlace,
  attempt: AttemptRecord,
  end: End,
  { verdict, facts, traces }: Settled,
): Promise<void> {
  const { job, train, trial } = place
  const { report, ending } = end
  const output = verdict.is === 'success' ? (report?.output as Digest) : undefined
  const found = output
    ? await readMetrics(board.parts.store, output)
    : { metrics: {}, warnings: [] }
  const said = ending.metrics ? await lastSaid(board.parts.store, ending.metrics.digest) : {}
  const done: TrialRecord = {
    ...trial,
    state: STATES[verdict.is],
    reason: reasonOf(verdict, job),
    phase: null,
    attempt: null,
    traces,
    // What the training says at its end stands before what it said on the way.
    metrics: wellFormed({ ...said, ...found.metrics }),
    warnings: bounded([...(report?.warnings ?? []), ...found.warnings]),
  }
  const environment = report?.environment
    ? await environmentEntity(board, facts, attempt, report.environment)
    : undefined
  if (output) await addModel(board, facts, place, done, output, end.size ?? NOTHING)
  addAttestation(board, facts, attempt, end.attested, done.model ?? done.replica)
  await addTrial(board, facts, place, attempt, end, done, environment?.id)
  const counted: JobRecord = {
    ...job,
    processMs: job.processMs + ranMs(report),
    environment: job.environment ?? environment?.digest ?? null,
    train: {
      ...train,
      live: train.live.filter(index => index !== trial.index),
      done: train.done + (verdict.is === 'success' ? 1 : 0),
      failed: train.failed + (verdict.is === 'failure' ? 1 : 0),
    },
  }
  plan.statements.push(statementOf(job, done, ending.state, facts))
  plan.records.push(write(place.key, done))
  saveJob(board, plan, counted)
}

function statementOf(
  job: JobRecord,
  trial: TrialRecord,
  ending: Ending['state'],
  facts: Facts,
): Statement {
  const { id, model, modelId, state, reason } = trial
  const pointer = `model/${job.workspace}/${modelId}`
  return {
    type: `trial.${ending}`,
    workspace: job.workspace,
    ...facts,
    moves: model ? [{ pointer, target: model }] : [],
    detail: { job: job.id, trial: id, state, reason },
  }
}

const WARNINGS_MAX = 100
const WARNING_MAX = 1000
const NOTHING = { files: 0, bytes: 0 }

function bounded(warnings: readonly string[]): string[] {
  return wellFormed(warnings.slice(0, WARNINGS_MAX).map(warning => warning.slice(0, WARNING_MAX)))
}
