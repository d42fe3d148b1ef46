/** Where a piece of work stands: the records that an attempt at it changes. */
import type { Board } from '../jobs/board.ts'
import { type Held, readRecord } from '../jobs/reading.ts'
import {
  type BuildPart,
  type EndpointRecord,
  type IngestPart,
  isFinal,
  type JobRecord,
  keyOf,
  type TrainPart,
  type TrialRecord,
  type WorkRef,
} from '../jobs/records.ts'

interface Common {
  /** The record of the work itself, for compare and set. */
  readonly key: string
  readonly version: number
  /** Made so far. */
  readonly attempts: number
}

export interface BuildPlace extends Common {
  readonly kind: 'build'
  readonly job: JobRecord
  readonly build: BuildPart
}

export interface IngestPlace extends Common {
  readonly kind: 'ingest'
  readonly job: JobRecord
  readonly ingest: IngestPart
}

export interface TrialPlace extends Common {
  readonly kind: 'trial'
  readonly job: JobRecord
  readonly jobHeld: Held<JobRecord>
  readonly train: TrainPart
  readonly trial: TrialRecord
}

export interface ServicePlace extends Common {
  readonly kind: 'service'
  readonly endpoint: EndpointRecord
}

export type Place = BuildPlace | IngestPlace | TrialPlace | ServicePlace

/** Undefined when the work has its outcome or is gone. */
export async function placeOf(board: Board, work: WorkRef): Promise<Place | undefined> {
  if (work.kind === 'service') return servicePlace(board, work.endpoint, work.id)
  const { ledger } = board.parts
  const held = await readRecord<JobRecord>(ledger, keyOf.job(work.workspace, work.job))
  const job = held?.value
  if (!held || !job || isFinal(job.state)) return undefined
  if (work.kind === 'trial') return trialPlace(board, held, work.index)
  const { key, version } = held
  const common = { key, version, attempts: job.attempts, job }
  if (job.ingest) return { kind: 'ingest', ...common, ingest: job.ingest }
  return job.build && { kind: 'build', ...common, build: job.build }
}

async function trialPlace(
  board: Board,
  jobHeld: Held<JobRecord>,
  index: number,
): Promise<TrialPlace | undefined> {
  const job = jobHeld.value
  const held = await readRecord<TrialRecord>(board.parts.ledger, keyOf.trial(job.id, index))
  if (!held || !job.train || isFinal(held.value.state)) return undefined
  const { key, version, value: trial } = held
  return {
    kind: 'trial',
    key,
    version,
    attempts: trial.attempts,
    job,
    jobHeld,
    train: job.train,
    trial,
  }
}

async function servicePlace(
  board: Board,
  name: string,
  work: string,
): Promise<ServicePlace | undefined> {
  const held = await readRecord<EndpointRecord>(board.parts.ledger, keyOf.endpoint(name))
  if (held?.value.work !== work) return undefined
  const { key, version, value: endpoint } = held
  return { kind: 'service', key, version, attempts: endpoint.attempts, endpoint }
}

/** The attempt that holds the work, if any does. */
export function currentOf(place: Place): string | null {
  if (place.kind === 'build') return place.build.attempt
  if (place.kind === 'ingest') return place.ingest.attempt
  return place.kind === 'trial' ? place.trial.attempt : place.endpoint.attempt
}
