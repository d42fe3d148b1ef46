import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type JobRecord, keyOf, type WorkRef } from '../jobs/records.ts'
import { placeOf } from './places.ts'

/** Whether somebody killed what an attempt works on, on this server or another. */
export async function isStopped(board: Board, work: WorkRef): Promise<boolean> {
  if (work.kind === 'service') return (await placeOf(board, work)) === undefined
  const key = keyOf.job(work.workspace, work.job)
  const job = await readRecord<JobRecord>(board.parts.ledger, key)
  return job === undefined || job.value.stop !== null
}
