/* What the end of an attempt means for its work. A program's own failure is an outcome; a lost
 * runner is not, until it was lost too often. */
import type { Report } from '../../api/attempts.ts'
import type { Digest } from '../../api/digest.ts'
import type { KeptEnvelope } from '../attestations/signed.ts'
import type { JobRecord, StoredLog, Trace } from '../jobs/records.ts'

export const ATTEMPTS_MAX = 3

/** How an attempt ended, its bytes checked. */
export interface Ending {
  readonly state: Trace['state']
  readonly reason: string | null
  readonly log: StoredLog | null
  /** What it used while it ran; only of trials. */
  readonly measurements: StoredLog | null
  /** The metrics it said while it ran; only of trials. */
  readonly metrics: StoredLog | null
}

export type Verdict =
  | { readonly is: 'success' }
  | { readonly is: 'failure'; readonly reason: string }
  | { readonly is: 'killed' }
  | { readonly is: 'again'; readonly reason: string }

/** `tries`: attempts made, this one included; `limit` Infinity for what is never given up. */
export function verdictOn(
  ending: Ending,
  { stop, tries, limit }: { stop: boolean; tries: number; limit: number },
): Verdict {
  if (ending.state === 'succeeded') return { is: 'success' }
  if (ending.state === 'failed') {
    return stop ? { is: 'killed' } : { is: 'failure', reason: ending.reason ?? 'it failed' }
  }
  if (stop) return { is: 'killed' }
  const reason = ending.reason ?? 'the worker was lost'
  if (tries < limit) return { is: 'again', reason }
  return { is: 'failure', reason: `RUNNER_LOST: ${reason}, ${tries} times` }
}

/** The state that work is in after it. */
export const STATES = {
  success: 'JOB_SUCCESS',
  failure: 'JOB_FAILURE',
  killed: 'JOB_KILLED',
  again: 'JOB_STARTING',
} as const

export function reasonOf(verdict: Verdict, { stop }: Pick<JobRecord, 'stop'>): string | null {
  if (verdict.is === 'failure') return verdict.reason
  return verdict.is === 'killed' ? (stop?.reason ?? null) : null
}

export interface Size {
  readonly files: number
  readonly bytes: number
}

/** How an attempt ended, with what it brought. */
export interface End {
  readonly ending: Ending
  /** Of what a trial or an ingestion made. */
  readonly size?: Size
  readonly report?: Report
  /** What the worker signed. */
  readonly attested?: KeptEnvelope
  readonly reportDigest?: Digest
}
