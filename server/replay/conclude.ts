/* The end of a replay: what its runs made is compared with the original, and the verdict becomes an
 * entity beside the model. */
import type { Digest } from '../../api/digest.ts'
import type { VerdictView } from '../../api/wire.ts'
import type { Json, NewEdge, NewNode } from '../../graph/ledger.ts'
import { attest } from '../attestations/attest.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type JobRecord, keyOf, type ReplayPart, type TrialRecord } from '../jobs/records.ts'
import { causesOf, type Result } from './causes.ts'
import { differenceOf, judge } from './compare.ts'
import { requirementsOf } from './requirements.ts'
import { isFresh, nextRuns } from './runs.ts'

/** What the predicate of a signed verdict is. */
const REPLAY = 'https://kaos.dev/replay/v1'

export interface Conclusion {
  readonly replay: ReplayPart
  readonly nodes: NewNode[]
  readonly edges: NewEdge[]
  readonly view: VerdictView
}

/** The runs so far, in their order. */
export async function resultsOf(board: Board, job: JobRecord): Promise<Result[]> {
  const results: Result[] = []
  for (const [index, run] of job.replay!.runs.entries()) {
    const key = keyOf.trial(job.id, index)
    const trial = (await readRecord<TrialRecord>(board.parts.ledger, key))?.value
    const done = trial?.state === 'JOB_SUCCESS' && trial.tree !== null ? trial : undefined
    results.push({
      run,
      tree: done?.tree ?? undefined,
      made: done && { tree: done.tree as Digest, metrics: done.metrics },
      output: done && (done.replica ?? done.model ?? undefined),
      reason: trial?.reason ?? null,
    })
  }
  return results
}

/** The runs that are to come after those so far, for a replay whose runs have all ended. */
export async function runsToCome(board: Board, job: JobRecord): Promise<ReplayPart['runs']> {
  return nextRuns(job.replay!, await resultsOf(board, job))
}

/** To be called within the intake's work (parts.intake.relying): the signed verdict is put into the store. */
export async function conclude(board: Board, job: JobRecord): Promise<Conclusion> {
  const replay = job.replay!
  const results = await resultsOf(board, job)
  const view = await verdictOf(board, job, results)
  const id = board.newId()
  const outputs = results.flatMap(({ output }) => (output === undefined ? [] : [output]))
  const node: NewNode = {
    id,
    class: 'entity',
    kind: 'verdict',
    workspace: job.workspace,
    name: `${replay.of.modelId} ${view.verdict}`,
    attributes: {
      ...(view as unknown as Record<string, Json>),
      model: replay.of.model,
      job: job.id,
    },
  }
  const { attested } = await signedVerdict(board, job, id, view)
  return {
    replay: { ...replay, verdict: { entity: id, is: view.verdict } },
    nodes: [node, attested.node],
    edges: [
      ...attested.edges,
      { from: id, relation: 'wasGeneratedBy', to: job.id },
      { from: id, relation: 'wasAttributedTo', to: board.parts.people.system.id },
      { from: id, relation: 'wasDerivedFrom', to: replay.of.model, role: 'original' },
      ...outputs.map(
        to => ({ from: id, relation: 'wasDerivedFrom', to, role: 'replica' }) as const,
      ),
    ],
    view,
  }
}

/** The verdict as a statement about the model, signed by the installation: its workers did the runs, and
 * the server compared what they made. */
async function signedVerdict(board: Board, job: JobRecord, verdict: string, view: VerdictView) {
  const { ledger } = board.parts
  const { model, metrics } = job.replay!.of
  return attest(board.parts, {
    id: board.newId(),
    subjects: [(await ledger.node(model))!],
    predicateType: REPLAY,
    predicate: {
      ...(view as unknown as Record<string, Json>),
      resourceUri: `urn:kaos:${ledger.id}:${model}`,
      replay: `urn:kaos:${ledger.id}:${job.id}`,
      verdictUri: `urn:kaos:${ledger.id}:${verdict}`,
      metrics,
    },
    activity: job.id,
  })
}

async function verdictOf(
  board: Board,
  job: JobRecord,
  results: readonly Result[],
): Promise<VerdictView> {
  const { of, fresh, tolerance } = job.replay!
  const { store, ledger } = board.parts
  const compared = results.filter(({ run }) => run.forced === null && isFresh(run) === !!fresh)
  const failed = compared.find(({ made }) => made === undefined)
  const unlike = compared.find(({ made, tree }) => made && tree !== of.tree)
  const source = await ledger.node(job.train!.source)
  const unpinned = source?.digest ? await requirementsOf(store, source.digest) : undefined
  const judged = judge(
    of.metrics,
    compared.flatMap(({ made }) => (made ? [made.metrics] : [])),
    tolerance,
  )
  const within = judged.length > 0 && judged.every(one => one.within)
  const looked = unlike || job.replay!.explain === 'always'
  const found = looked && !failed ? await causesOf(board, job.replay!, results) : undefined
  return {
    verdict: failed ? 'failed' : !unlike ? 'identical' : within ? 'within tolerance' : 'different',
    reason: failed?.reason ?? null,
    fresh: !!fresh,
    difference: unlike?.made ? await differenceOf(store, of, unlike.made) : null,
    judged,
    agree: found ? found.agree : compared.length > 1 && !failed ? true : null,
    causes: found?.causes ?? [],
    experiments: found?.experiments ?? [],
    unpinned: [...(unpinned?.unpinned ?? [])].slice(0, LINES_MAX).map(short),
  }
}

const LINES_MAX = 50

function short(line: string): string {
  return line.slice(0, 200).toWellFormed()
}
