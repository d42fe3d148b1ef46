/** What a trial adds to the graph: itself with all it used, and the model it made. */
import type { Digest } from '../../api/digest.ts'
import type { Json, NewNode } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import type { AttemptRecord, TrialRecord } from '../jobs/records.ts'
import { imageOfRun, keptAs, roleOfRun } from '../replay/runs.ts'
import { courseOf, type Facts, wellFormed } from './facts.ts'
import { type Hyper, hyperOf, pointOf } from './orders.ts'
import type { TrialPlace } from './places.ts'
import type { End, Size } from './verdict.ts'

/** Of anything that a fact holds of what users wrote: a fact has 1 MiB at most. */
const FACT_MAX = 64 * 1024

/** The point as a fact; a very long one is only named, its values are in the stored grid. */
function hyperFact(hyper: Hyper | undefined): Json {
  if (!hyper) return null
  const { text: _, ...told } = hyper
  const whole = wellFormed(told as unknown as Json)
  if (JSON.stringify(whole).length <= FACT_MAX) return whole
  return { hash: hyper.hash, file: hyper.file }
}

/** The model; none when the program wrote nothing. */
export async function addModel(
  board: Board,
  facts: Facts,
  { job, train }: TrialPlace,
  done: TrialRecord,
  output: Digest,
  size: Size,
): Promise<void> {
  const { files, bytes } = size
  done.files = files
  done.bytes = bytes
  done.tree = output
  if (files === 0) {
    done.warnings = [...done.warnings, 'the training wrote nothing into its output folder']
    return
  }
  const hyper = await hyperOf(board, train, done.index)
  const kind = keptAs(job, done.index)
  const node: NewNode = {
    id: board.newId(),
    class: 'entity',
    kind,
    workspace: job.workspace,
    name: kind === 'model' ? done.modelId : done.output,
    digest: output,
    attributes: {
      job: job.id,
      trial: done.id,
      suffix: done.output,
      metrics: done.metrics,
      hyper: hyperFact(hyper),
      files,
      bytes,
    },
  }
  facts.nodes.push(node)
  facts.edges.push({ from: node.id, relation: 'wasAttributedTo', to: job.author })
  if (kind === 'model') done.model = node.id
  else done.replica = node.id
}

export async function addTrial(
  board: Board,
  facts: Facts,
  { job, train }: TrialPlace,
  attempt: AttemptRecord,
  { ending, report }: End,
  done: TrialRecord,
  environment: string | undefined,
): Promise<void> {
  const hyper = await hyperOf(board, train, done.index)
  const attributes: Record<string, Json> = {
    job: job.id,
    index: done.index,
    ...(train.points && { point: pointOf(train, done.index) }),
    output: done.output,
    state: done.state,
    ...courseOf(attempt, ending, report),
    metrics: done.metrics,
    warnings: done.warnings,
    resources: { ...job.resources },
    hyper: hyperFact(hyper),
    ...roleOfRun(job, done.index),
  }
  const from = done.id
  // Before the trial itself is listed: what is there now, it has generated.
  for (const node of facts.nodes) {
    if (node.kind === 'environment') continue
    facts.edges.push({ from: node.id, relation: 'wasGeneratedBy', to: from })
  }
  facts.nodes.push({
    id: from,
    class: 'activity',
    kind: 'trial',
    workspace: job.workspace,
    attributes,
  })
  facts.edges.push(
    { from, relation: 'used', to: imageOfRun(job, train, done.index), role: 'image' },
    { from, relation: 'used', to: train.data!, role: 'data' },
    { from, relation: 'wasInformedBy', to: job.id },
    { from, relation: 'wasAssociatedWith', to: job.author, role: 'user' },
    { from, relation: 'wasAssociatedWith', to: attempt.agent, role: 'worker' },
  )
  if (train.hyper)
    facts.edges.push({ from, relation: 'used', to: train.hyper, role: 'hyperparams' })
  if (environment) {
    facts.edges.push({ from, relation: 'used', to: environment, role: 'environment' })
  }
}
