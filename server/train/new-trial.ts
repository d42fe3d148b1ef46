/** The row of a trial that is about to be released. */
import { sixOf } from '../../api/ids.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type JobRecord, keyOf, type TrainPart, type TrialRecord } from '../jobs/records.ts'

/** Model names are unique in a workspace: on a clash another id is drawn. */
export async function newTrial(
  board: Board,
  job: JobRecord,
  train: TrainPart,
  index: number,
  taken: ReadonlySet<string>,
): Promise<TrialRecord> {
  for (;;) {
    const id = board.newId()
    const output = sixOf(id)
    const modelId = `${train.branch}:${output}`
    const name = keyOf.modelName(job.workspace, modelId)
    if (taken.has(modelId) || (await readRecord(board.parts.ledger, name))) continue
    return {
      id,
      job: job.id,
      index,
      output,
      modelId,
      state: 'JOB_STARTING',
      reason: null,
      phase: null,
      attempt: null,
      attempts: 0,
      traces: [],
      model: null,
      tree: null,
      files: 0,
      bytes: 0,
      metrics: {},
      warnings: [],
    }
  }
}
