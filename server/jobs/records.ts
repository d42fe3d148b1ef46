/* The small rows behind jobs: where each stands now. What is finished is a fact in the ledger's log
 * as well (`job/<id>/outcome` and the nodes of its trials); these rows make it quick to list.
 *
 *   job/<workspace>/<job>          every job, from its submission on
 *   trial/<job>/<index>            every trial that was released
 *   open/<workspace>/<job>         jobs without outcome, so that a start reads only those
 *   waits/<job>/<train>            trainings that wait for a build or an ingestion
 *   building/<image pointer>       the build that is under way for an image
 *   ingesting/<manifest>           the ingestion that is under way for a manifest
 *   ready/<priority>/<time>/<job>/<id>   work that anybody may claim
 *   attempt/<id>                   work that somebody holds
 *   beat/<id>                      written while its worker renews, where servers share a ledger
 *   past/<id>                      ended attempts, for a while: the same report twice is no error
 *   endpoint/<name>, gone/<name>   endpoints: listed, and killed or never built */
import type { BuildWork, PHASES, Progress, Reach, Resources } from '../../api/attempts.ts'
import type { Digest } from '../../api/digest.ts'
import type { EndpointState, JobRow, JobState } from '../../api/wire.ts'

export type JobKind = JobRow['kind']
export type Phase = (typeof PHASES)[number]
export type Metrics = Record<string, number | string>

/** Somebody asked for the end. */
export type Stop = { by: string; reason: string | null; at: string }

export type StoredLog = { digest: Digest; size: number }

/** An attempt that has ended, as its work remembers it. */
export type Trace = {
  attempt: string
  number: number
  worker: string
  state: 'succeeded' | 'failed' | 'stopped' | 'lost'
  reason: string | null
  log: StoredLog | null
  /** Of a trial, from 2026-11 on. */
  measurements?: StoredLog | null
  metrics?: StoredLog | null
}

export type TrainPart = {
  /** Entities, fixed at submission. */
  source: string
  /** Null while it is ingested: then it is fixed when the ingestion succeeds. */
  data: string | null
  /** The ingestion that the data come from. */
  ingest: string | null
  hyper: string | null
  /** Entity of the image; null while its build runs. */
  image: string | null
  /** Pointer that will name it, and the build it comes from. */
  imagePointer: string
  build: string | null
  grid: { hash: string; digest: Digest } | null
  /** `e23a2_9fd9d` and, for a grid, its hash. */
  branch: string
  total: number
  done: number
  failed: number
  /** First point that was not released yet. */
  next: number
  /** Released and without outcome. */
  live: number[]
  parallelism: number
  /** Pointer that names the job once it has succeeded; empty for a replay. */
  fingerprint: string
  /** The point of the grid that every run of a replay is at. */
  point?: number
  /** Of a retry: the points of its trials, and the job that they did not succeed in. */
  points?: number[]
  retryOf?: string
}

/** One run of a replay: for comparing with the original (`again`, with the recorded image; `fresh`,
 * with packages resolved anew), or for finding out why they differ (server/replay/runs.ts). */
export type ReplayRun = {
  as: 'again' | 'fresh' | 'forced' | 'forced-again' | 'seed' | 'clock' | 'forced-fresh'
  forced: { seed: number; clock: string } | null
}

export type Verdict = 'identical' | 'within tolerance' | 'different' | 'failed'

export type ReplayPart = {
  /** What is run again. */
  of: {
    job: string
    trial: string
    index: number
    /** The entity, and how people see it. */
    model: string
    modelId: string
    tree: Digest
    metrics: Metrics
    output: string
    startedAt: string
  }
  /** Runs that are compared with the original. */
  times: number
  /** By metric; `*` for all others. */
  tolerance: Record<string, number>
  /** Whether runs follow that look for what the result depends on: when the bytes differ, or also
   * when they are the same. */
  explain: 'unlike' | 'always' | 'never'
  /** Whether what the first run made is kept as a model. */
  keep: boolean
  /** Planned so far: the run of each trial. */
  runs: ReplayRun[]
  /** Image with packages resolved anew, and the build that makes it. */
  fresh: { pointer: string; build: string; image: string | null } | null
  verdict: { entity: string; is: Verdict } | null
}

export type BuildPart = {
  work: BuildWork
  source: string
  imagePointer: string
  image: string | null
  attempt: string | null
  traces: Trace[]
}

export type IngestPart = {
  /** Entity, its stored text, and how people see it: `manifest:c6062`. */
  manifest: string
  text: { digest: Digest; size: number }
  name: string
  /** Name that the data get. */
  folder: string
  /** Pointer that names the data once they are there. */
  pointer: string
  /** Entity that was made. */
  data: string | null
  /** As far as an ended attempt came; what runs is known in memory. */
  progress: Progress
  attempt: string | null
  traces: Trace[]
}

export type JobRecord = {
  id: string
  kind: JobKind
  workspace: string
  workspaceName: string
  organisation: string
  author: string
  state: JobState
  started: string
  finished: string | null
  reason: string | null
  stop: Stop | null
  resources: Resources
  attempts: number
  processMs: number
  /** Stored JSON of what the first run, or the build, ran in. */
  environment: Digest | null
  /** Of the call that asked for it, where traces are gathered. */
  traceparent?: string
  train?: TrainPart
  /** Of a replay, beside `train`. */
  replay?: ReplayPart
  build?: BuildPart
  ingest?: IngestPart
}

export type TrialRecord = {
  id: string
  job: string
  index: number
  /** Six digits; the model's name is `<branch>:<output>`. */
  output: string
  modelId: string
  state: JobState
  reason: string | null
  phase: Phase | null
  attempt: string | null
  attempts: number
  traces: Trace[]
  /** Entity, tree and size of what it made. */
  model: string | null
  /** Entity, where it was made by a replay and is no model of its own. */
  replica?: string
  tree: Digest | null
  files: number
  bytes: number
  metrics: Metrics
  warnings: string[]
}

/** `needs`: what the worker must have, for the queue. */
export type WorkRef =
  | { kind: 'build'; id: string; workspace: string; job: string }
  | { kind: 'ingest'; id: string; workspace: string; job: string }
  | {
      kind: 'trial'
      id: string
      workspace: string
      job: string
      index: number
      needs?: Resources
    }
  | {
      kind: 'service'
      id: string
      workspace: string
      job: string
      endpoint: string
      needs?: Resources
    }

export type AttemptRecord = {
  id: string
  number: number
  work: WorkRef
  organisation: string
  worker: string
  /** Agent of the worker. */
  agent: string
  /** Which of the workers with that agent. */
  instance?: string
  runner: string
  phase: Phase | null
  /** Key that it was claimed with: its outcome has to be signed. */
  kid?: string
}

export type EndpointRecord = {
  name: string
  workspace: string
  workspaceName: string
  organisation: string
  author: string
  createdAt: string
  state: EndpointState
  reason: string | null
  resources: Resources
  /** Entity that was built, its tree, and how people see it: `mnist:ff06b`. */
  source: string
  code: Digest
  codeName: string
  model: { entity: string; modelId: string; digest: Digest } | null
  image: string | null
  imageName: string
  imagePointer: string
  buildJob: string
  /** Node of the revision; in the ledger once built. */
  revision: string
  /** Id of its work, for the ready set. */
  work: string
  attempt: string | null
  attempts: number
  traces: Trace[]
  address: Reach | null
  traceparent?: string
}

const SERIAL_DIGITS = 5
const TIME_DIGITS = 14
const PRIORITY = { service: 0, build: 1, ingest: 1, trial: 2 } as const

export const keyOf = {
  job: (workspace: string, job: string) => `job/${workspace}/${job}`,
  trials: (job: string) => `trial/${job}/`,
  trial: (job: string, index: number) =>
    `trial/${job}/${String(index).padStart(SERIAL_DIGITS, '0')}`,
  open: (workspace: string, job: string) => `open/${workspace}/${job}`,
  waits: (job: string, train: string) => `waits/${job}/${train}`,
  building: (imagePointer: string) => `building/${imagePointer}`,
  ingesting: (manifest: string) => `ingesting/${manifest}`,
  attempt: (attempt: string) => `attempt/${attempt}`,
  beat: (attempt: string) => `beat/${attempt}`,
  past: (attempt: string) => `past/${attempt}`,
  endpoint: (name: string) => `endpoint/${name}`,
  gone: (name: string) => `gone/${name}`,
  modelName: (workspace: string, name: string) => `model-name/${workspace}/${name}`,
  /** Services first, then builds and ingestions, then trials; among these what was asked for first. */
  ready: (work: WorkRef, since: string) => {
    const time = String(Date.parse(since)).padStart(TIME_DIGITS, '0')
    return `ready/${PRIORITY[work.kind]}/${time}/${work.job}/${work.id}`
  },
}

export const outcomePointer = (job: string): string => `job/${job}/outcome`

export function isFinal(state: JobState): boolean {
  return state === 'JOB_SUCCESS' || state === 'JOB_FAILURE' || state === 'JOB_KILLED'
}
