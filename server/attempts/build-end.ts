/** The end of an attempt at a build: an image with what it was built in, a failure, or a new try. */
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import type { JobState } from '../../api/wire.ts'
import type { NewNode } from '../../graph/ledger.ts'
import { addAttestation } from '../attestations/signed.ts'
import { type Board, makeReady, type Plan, saveJob, timeOf } from '../jobs/board.ts'
import { forget } from '../jobs/reading.ts'
import { type AttemptRecord, type BuildPart, type JobRecord, keyOf } from '../jobs/records.ts'
import {
  addJournals,
  courseOf,
  environmentEntity,
  type Facts,
  ranMs,
  traceOf,
  wellFormed,
} from './facts.ts'
import { type Outcome, planOutcome } from './outcome.ts'
import type { BuildPlace } from './places.ts'
import type { End } from './verdict.ts'
import { ATTEMPTS_MAX, reasonOf, STATES, verdictOn } from './verdict.ts'

export async function endBuild(
  board: Board,
  plan: Plan,
  place: BuildPlace,
  attempt: AttemptRecord,
  end: End,
): Promise<void> {
  const { job, build } = place
  const { ending, report } = end
  const verdict = verdictOn(ending, {
    stop: job.stop !== null,
    tries: attempt.number,
    limit: ATTEMPTS_MAX,
  })
  const facts: Facts = { nodes: [], edges: [] }
  addJournals(board, facts, attempt, ending)
  const detail = { job: job.id, ...courseOf(attempt, ending, report) }
  const traced: BuildPart = { ...build, traces: [...build.traces, traceOf(attempt, ending)] }
  if (verdict.is === 'again') {
    plan.statements.push({ type: 'attempt.lost', workspace: job.workspace, ...facts, detail })
    saveJob(board, plan, { ...job, build: { ...traced, attempt: null } })
    makeReady(board, plan, attempt.work, job.started)
    return
  }
  for (const node of facts.nodes) {
    facts.edges.push({ from: node.id, relation: 'wasGeneratedBy', to: job.id })
  }
  const environment = await addSurroundings(board, facts, job, attempt, end)
  const image = verdict.is === 'success' ? addImage(board, facts, place, attempt, end) : null
  addAttestation(board, facts, attempt, end.attested, image?.id, job.id)
  const done: JobRecord = {
    ...job,
    state: STATES[verdict.is],
    finished: timeOf(board),
    reason: reasonOf(verdict, job),
    processMs: job.processMs + ranMs(report),
    environment,
    build: { ...traced, image: image?.id ?? null },
  }
  const moves = image ? [{ pointer: build.imagePointer, target: image.id }] : []
  finishBuild(board, plan, done, { facts, moves, detail })
}

/** Who built it and in what; answers the digest of the latter. */
async function addSurroundings(
  board: Board,
  facts: Facts,
  job: JobRecord,
  attempt: AttemptRecord,
  { report }: End,
): Promise<Digest | null> {
  const from = job.id
  facts.edges.push({ from, relation: 'wasAssociatedWith', to: attempt.agent, role: 'worker' })
  if (!report?.environment) return null
  const { id, digest } = await environmentEntity(board, facts, attempt, report.environment)
  facts.edges.push({ from, relation: 'used', to: id, role: 'environment' })
  return digest
}

/** Writes the outcome of a build: facts, pointer, and that nobody waits for it any more. */
export function finishBuild(board: Board, plan: Plan, job: JobRecord, outcome: Outcome): void {
  planOutcome(plan, job, BUILD_FACTS[job.state] ?? 'build.failed', outcome)
  plan.records.push(forget(keyOf.building(job.build!.imagePointer)))
  saveJob(board, plan, { ...job, build: { ...job.build!, attempt: null } })
}

const BUILD_FACTS: Partial<Record<JobState, string>> = {
  JOB_SUCCESS: 'image.built',
  JOB_FAILURE: 'build.failed',
  JOB_KILLED: 'build.killed',
}

function addImage(
  board: Board,
  facts: Facts,
  { job, build }: BuildPlace,
  attempt: AttemptRecord,
  { report }: End,
): NewNode {
  const image = report?.image
  if (!image) throw new KaosError('BAD_REQUEST', 'a build that succeeded must report its image')
  const node: NewNode = {
    id: board.newId(),
    class: 'entity',
    kind: 'image',
    workspace: job.workspace,
    name: build.work.image,
    digest: image.tree as Digest,
    attributes: {
      kind: image.kind,
      program: build.work.program,
      labels: wellFormed(image.labels),
      build: job.id,
      runner: attempt.runner,
      ...(image.manifest ? { manifest: image.manifest } : {}),
    },
  }
  facts.nodes.push(node)
  facts.edges.push(
    { from: node.id, relation: 'wasGeneratedBy', to: job.id },
    { from: node.id, relation: 'wasDerivedFrom', to: build.source, role: 'code' },
    { from: node.id, relation: 'wasAttributedTo', to: job.author },
  )
  return node
}
