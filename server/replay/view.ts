/** A replay as people see it. */
import { KaosError } from '../../api/errors.ts'
import type { ReplayedModel, ReplayRunView, ReplayView, VerdictView } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import {
  isFinal,
  type JobRecord,
  keyOf,
  type ReplayPart,
  type TrialRecord,
} from '../jobs/records.ts'
import { rowOf } from '../jobs/rows.ts'
import { wordsOf } from './runs.ts'

export function replayedModel({ of }: ReplayPart): ReplayedModel {
  const { job, index, model, modelId, tree } = of
  return { job, trial: index, model, modelId, tree }
}

export async function replayView(board: Board, job: JobRecord): Promise<ReplayView> {
  const { replay } = job
  if (!replay) {
    const next = `run it again with: kaos train reproduce -j ${job.id}`
    throw new KaosError('JOB_NOT_FOUND', `job ${job.id} is no replay; ${next}`)
  }
  const { ledger, people } = board.parts
  const runs: ReplayRunView[] = []
  for (const index of replay.runs.keys()) {
    const trial = await readRecord<TrialRecord>(ledger, keyOf.trial(job.id, index))
    runs.push(runView(replay, index, trial?.value))
  }
  const entity = replay.verdict?.entity ?? null
  const node = entity === null ? undefined : await ledger.node(entity)
  return {
    job: await rowOf(people, job),
    of: replayedModel(replay),
    runs,
    entity,
    verdict: node ? verdictIn(node.attributes) : null,
  }
}

/** What stands beside it in the attributes of the entity is left out. */
export function verdictIn(attributes: Readonly<Record<string, unknown>>): VerdictView {
  const { model: _, job: __, ...view } = attributes
  return view as unknown as VerdictView
}

function runView(
  { of, runs }: ReplayPart,
  index: number,
  trial: TrialRecord | undefined,
): ReplayRunView {
  const run = runs[index]!
  return {
    run: wordsOf(run),
    trial: trial?.id ?? '',
    forced: run.forced,
    state: stateOf(of.tree, trial),
    reason: trial?.reason ?? null,
    tree: trial?.tree ?? null,
  }
}

function stateOf(original: string, trial: TrialRecord | undefined): ReplayRunView['state'] {
  if (!trial || !isFinal(trial.state)) return 'unfinished'
  if (trial.state !== 'JOB_SUCCESS') return 'failed'
  return trial.tree === original ? 'identical' : 'different'
}
