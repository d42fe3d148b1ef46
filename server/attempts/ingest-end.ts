/** The end of an attempt at an ingestion: a data bundle with where it is from, a failure, or a new try. */
import type { Digest } from '../../api/digest.ts'
import { bundleName } from '../../api/ids.ts'
import type { JobState } from '../../api/wire.ts'
import type { Json, Move, NewNode } from '../../graph/ledger.ts'
import { readSmallFile } from '../../store/trees.ts'
import { addAttestation } from '../attestations/signed.ts'
import { bundlePointer } from '../bundles/bundles.ts'
import { planImported } from '../catalogue/imported.ts'
import { type Board, makeReady, type Plan, saveJob, timeOf } from '../jobs/board.ts'
import { forget, readPointer } from '../jobs/reading.ts'
import { type AttemptRecord, type IngestPart, type JobRecord, keyOf } from '../jobs/records.ts'
import { addJournals, courseOf, type Facts, ranMs, traceOf, wellFormed } from './facts.ts'
import { type Outcome, planOutcome } from './outcome.ts'
import type { IngestPlace } from './places.ts'
import type { End } from './verdict.ts'
import { ATTEMPTS_MAX, reasonOf, STATES, verdictOn } from './verdict.ts'

export async function endIngest(
  board: Board,
  plan: Plan,
  place: IngestPlace,
  attempt: AttemptRecord,
  end: End,
): Promise<void> {
  const { job, ingest } = place
  const { ending, report } = end
  const verdict = verdictOn(ending, {
    stop: job.stop !== null,
    tries: attempt.number,
    limit: ATTEMPTS_MAX,
  })
  const facts: Facts = { nodes: [], edges: [] }
  addJournals(board, facts, attempt, ending)
  const detail = { job: job.id, ...courseOf(attempt, ending, report) }
  const traced: IngestPart = { ...ingest, traces: [...ingest.traces, traceOf(attempt, ending)] }
  if (verdict.is === 'again') {
    plan.statements.push({ type: 'attempt.lost', workspace: job.workspace, ...facts, detail })
    saveJob(board, plan, { ...job, ingest: { ...traced, attempt: null } })
    makeReady(board, plan, attempt.work, job.started)
    return
  }
  for (const node of facts.nodes) {
    facts.edges.push({ from: node.id, relation: 'wasGeneratedBy', to: job.id })
  }
  const worker = { from: job.id, to: attempt.agent, role: 'worker' }
  facts.edges.push({ relation: 'wasAssociatedWith', ...worker })
  const moves: Move[] = []
  const data =
    verdict.is === 'success' ? await addData(board, plan, place, facts, moves, end) : null
  addAttestation(board, facts, attempt, end.attested, data, job.id)
  const progress = report?.progress ?? board.live.get(attempt.id)?.progress ?? ingest.progress
  const done: JobRecord = {
    ...job,
    state: STATES[verdict.is],
    finished: timeOf(board),
    reason: reasonOf(verdict, job),
    processMs: job.processMs + ranMs(report),
    ingest: { ...traced, data, progress: { ...progress, total: ingest.progress.total } },
  }
  const listing = report?.fetched?.digest ?? null
  finishIngest(board, plan, done, { facts, moves, detail: { ...detail, data, listing } })
}

/** Writes the outcome of an ingestion: facts, pointer, and that nobody waits for it any more. */
export function finishIngest(board: Board, plan: Plan, job: JobRecord, outcome: Outcome): void {
  planOutcome(plan, job, INGEST_FACTS[job.state] ?? 'ingest.failed', outcome)
  plan.records.push(forget(keyOf.ingesting(job.ingest!.manifest)))
  saveJob(board, plan, { ...job, ingest: { ...job.ingest!, attempt: null } })
}

const INGEST_FACTS: Partial<Record<JobState, string>> = {
  JOB_SUCCESS: 'bundle.ingested',
  JOB_FAILURE: 'ingest.failed',
  JOB_KILLED: 'ingest.killed',
}

/** Up to this the list of what was fetched is part of the fact as well. */
const SOURCES_MAX = 64 * 1024

/** The data bundle; the one that is there when the same files came before under the same name. */
async function addData(
  board: Board,
  plan: Plan,
  { job, ingest }: IngestPlace,
  facts: Facts,
  moves: Move[],
  { report, size }: End,
): Promise<string> {
  const { ledger, store } = board.parts
  const { folder, manifest } = ingest
  const tree = report!.output as Digest
  const fetched = report!.fetched!
  const pointer = bundlePointer(job.workspace, { kind: 'data', folder, tree })
  const known = await readPointer(ledger, pointer)
  plan.expect.push({ pointer, target: known })
  if (known !== null) {
    moves.push({ pointer: ingest.pointer, target: known })
    return known
  }
  const listing = fetched.digest as Digest
  const short = fetched.size <= SOURCES_MAX
  const bytes = short ? await readSmallFile(store, listing, SOURCES_MAX) : Buffer.alloc(0)
  const node: NewNode = {
    id: board.newId(),
    class: 'entity',
    kind: 'data',
    workspace: job.workspace,
    name: bundleName(folder, tree),
    digest: tree,
    attributes: {
      folder,
      files: size?.files ?? 0,
      bytes: size?.bytes ?? 0,
      author: job.author,
      ingest: job.id,
      /** Stored file of JSON lines {url, path, sha256, size}. */
      listing,
      ...(short ? { sources: linesIn(bytes) } : {}),
    },
  }
  facts.nodes.push(node)
  facts.edges.push(
    { from: node.id, relation: 'wasGeneratedBy', to: job.id, role: 'ingest' },
    { from: node.id, relation: 'wasDerivedFrom', to: manifest, role: 'manifest' },
    { from: node.id, relation: 'wasAttributedTo', to: job.author },
  )
  const placed = await planImported(ledger, job.workspace, { kind: 'data', folder, tree }, node.id)
  plan.expect.push(...placed.expect)
  moves.push(
    { pointer, target: node.id },
    { pointer: ingest.pointer, target: node.id },
    ...placed.moves,
  )
  return node.id
}

function linesIn(bytes: Uint8Array): Json {
  const lines = Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean)
  return wellFormed(lines.map(line => JSON.parse(line) as Json))
}
