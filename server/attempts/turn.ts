import type { WorkRef } from '../jobs/records.ts'

/** What changes the same record takes turns: a job, or an endpoint. */
export function turnOf(work: WorkRef): string {
  return work.kind === 'service' ? `endpoint/${work.endpoint}` : work.job
}
