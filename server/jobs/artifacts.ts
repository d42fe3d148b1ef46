/** What can be fetched of a job, finished or not: its code, its data, the models there are so far. */
import { shortDigest } from '../../api/ids.ts'
import type { Artifact, JobArtifacts } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import { hyperOf } from '../attempts/orders.ts'
import type { Board } from './board.ts'
import type { JobRecord, TrainPart, TrialRecord } from './records.ts'
import { trialsOf } from './view.ts'

export async function artifactsOf(board: Board, job: JobRecord): Promise<JobArtifacts> {
  const { train, build, ingest } = job
  const source = train?.source ?? build?.source
  const data = train?.data ?? ingest?.data
  const trials = train ? await trialsOf(board, job.id) : []
  const made = trials.filter(trial => trial.model ?? trial.replica)
  return {
    jobId: job.id,
    code: source ? [await artifactOf(board, source)] : [],
    data: data ? [await artifactOf(board, data)] : [],
    models: await Promise.all(made.map(trial => modelOf(board, train!, trial))),
  }
}

/** A bundle, in a folder that tells which it is. */
export async function artifactOf(board: Board, entity: string): Promise<Artifact> {
  const node = (await board.parts.ledger.node(entity))!
  return {
    entity,
    name: folderOf(node),
    tree: node.digest!,
    files: Number(node.attributes.files ?? 0),
    bytes: Number(node.attributes.bytes ?? 0),
  }
}

function folderOf(node: Node): string {
  const folder = node.attributes.folder ?? node.name?.replace(/:[^:]*$/, '') ?? node.kind
  return `${String(folder)}:${shortDigest(node.digest!)}`
}

async function modelOf(
  board: Board,
  train: TrainPart,
  trial: TrialRecord,
): Promise<JobArtifacts['models'][number]> {
  const { files, bytes } = trial
  return {
    artifact: {
      entity: (trial.model ?? trial.replica)!,
      name: trial.output,
      tree: trial.tree!,
      files,
      bytes,
    },
    modelId: trial.modelId,
    hyper: (await hyperOf(board, train, trial.index)) ?? null,
  }
}
