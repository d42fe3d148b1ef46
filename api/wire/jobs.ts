import Type, { type Static } from 'typebox'
import { Resources } from '../attempts.ts'
import { DigestSchema } from '../digest-schema.ts'
import { Measurement, MetricPoint } from '../measurements.ts'
import { At, Nullable, Optional } from './common.ts'

export const JOB_STATES = [
  'JOB_STARTING',
  'JOB_RUNNING',
  'JOB_MERGING',
  'JOB_SUCCESS',
  'JOB_FAILURE',
  'JOB_KILLED',
] as const
export type JobState = (typeof JOB_STATES)[number]
// A union over a mapped list has no static type of its own.
export const JobStateSchema = Type.Unsafe<JobState>(
  Type.Union(JOB_STATES.map(state => Type.Literal(state))),
)
/** A line of a listing. */
export const JobRow = Type.Object(
  {
    jobId: Type.String(),
    kind: Type.Union([
      Type.Literal('train'),
      Type.Literal('replay'),
      Type.Literal('build-train'),
      Type.Literal('build-serve'),
      Type.Literal('ingest'),
    ]),
    state: JobStateSchema,
    started: At,
    finished: Nullable(At),
    /** Whole seconds; null while it runs. */
    duration: Nullable(Type.Integer()),
    /** Whether it has a grid; null while it runs. */
    hyperopt: Nullable(Type.Boolean()),
    author: Type.String(),
    /** Why it failed, waits or was killed. */
    reason: Nullable(Type.String()),
    /** Trials, or files of a manifest: done, failed, all. Skipped: files that were not tried. */
    progress: Optional(
      Type.Object({
        done: Type.Integer(),
        failed: Type.Integer(),
        total: Type.Integer(),
        skipped: Optional(Type.Integer()),
      }),
    ),
    /** Of a replay: the job and model that it runs again, and what came of it. */
    replay: Optional(
      Type.Object({ of: Type.String(), modelId: Type.String(), verdict: Nullable(Type.String()) }),
    ),
  },
  { title: 'JobRow' },
)
export type JobRow = Static<typeof JobRow>

/** What git knows of a folder that was sent: `dirty` when it has changes that the commit lacks. */
export const GitState = Type.Object(
  {
    commit: Type.String({ pattern: '^[0-9a-f]{40}([0-9a-f]{24})?$' }),
    branch: Optional(Type.String({ maxLength: 255 })),
    /** Address of `origin`, without user and password. */
    remote: Optional(Type.String({ maxLength: 2000 })),
    dirty: Type.Boolean(),
  },
  { title: 'GitState' },
)
export type GitState = Static<typeof GitState>

/** How the last attempt at a trial went, once it has ended. */
export const TrialRun = Type.Object({
  attempt: Type.Integer(),
  worker: Type.String(),
  runner: Type.String(),
  startedAt: Optional(At),
  finishedAt: Optional(At),
  exit: Optional(Type.Integer()),
  /** CPU time, and the most memory that was seen. */
  usage: Optional(Measurement),
  /** Stored files. */
  log: Optional(DigestSchema),
  measurements: Optional(DigestSchema),
  metricHistory: Optional(DigestSchema),
})
export type TrialRun = Static<typeof TrialRun>

const Part = Type.Object({
  author: Type.String(),
  /** `/mnist:e23a2` */
  path: Type.String(),
  entity: Type.String(),
  digest: Nullable(DigestSchema),
})
export const ModelRow = Type.Object({
  /** `e23a2_9fd9d:b82151`; null when the trial made none. */
  modelId: Nullable(Type.String()),
  entity: Nullable(Type.String()),
  trial: Type.String(),
  state: JobStateSchema,
  reason: Nullable(Type.String()),
  code: Part,
  data: Part,
  hyperparams: Nullable(
    Type.Object({
      author: Type.String(),
      path: Type.String(),
      values: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
  metrics: Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()])),
  /** Of the metric asked for; null when the trial lacks it or it is no number. */
  score: Nullable(Type.Number()),
  warnings: Type.Array(Type.String()),
  run: Optional(Nullable(TrialRun)),
})
export type ModelRow = Static<typeof ModelRow>

/** GET /workspaces/:ws/jobs/:job?sortBy=&objective=max|min&page=0 (any kind of job). Full id, unique
 * beginning, or @latest (training). Ten models to a page, pages from 0. */
export const JobView = Type.Object(
  {
    job: JobRow,
    processSeconds: Nullable(Type.Number()),
    availableMetrics: Type.Array(Type.String()),
    pageCount: Type.Integer(),
    pageId: Type.Integer(),
    models: Type.Array(ModelRow),
    resources: Resources,
    attempts: Type.Integer(),
    environment: Nullable(Type.Record(Type.String(), Type.Unknown())),
    /** Of the folders as they were sent, where they lay in a git work tree. */
    git: Optional(Type.Object({ code: Optional(GitState), data: Optional(GitState) })),
    /** Models that the training was given to read. */
    modelsUsed: Optional(
      Type.Array(
        Type.Object({
          modelId: Type.String(),
          entity: Type.String(),
          versions: Type.Array(Type.String()),
        }),
      ),
    ),
    /** What a training ran in; null while it is built. `manifest`: of an OCI image. */
    image: Optional(
      Nullable(
        Type.Object({
          entity: Type.String(),
          name: Type.String(),
          digest: Nullable(DigestSchema),
          manifest: Optional(DigestSchema),
        }),
      ),
    ),
    /** The build a training waits for or came from. */
    build: Nullable(Type.String()),
    /** The training that it was made from: checked out and changed, or run again. */
    from: Optional(Nullable(Type.String())),
    /** Of a retry: the job whose trials run again, and the models that were made there. */
    retry: Optional(Type.Object({ of: Type.String(), kept: Type.Array(Type.String()) })),
    /** The ingestion a training waits for or had its data from. */
    ingest: Optional(Nullable(Type.String())),
  },
  { title: 'Job' },
)
export type JobView = Static<typeof JobView>

/** GET /workspaces/:ws/jobs/:job/measurements?trial=0&follow=true -> one line of JSON per sample, at
 * least one a second of each trial; with follow it ends when the job (or that trial) has. */
export const MeasurementLine = Type.Object(
  {
    ...Measurement.properties,
    /** Place in the grid, from 0. */
    trial: Type.Integer(),
    attempt: Type.Integer(),
  },
  { title: 'MeasurementLine' },
)
export type MeasurementLine = Static<typeof MeasurementLine>

/** GET /workspaces/:ws/jobs/:job/metrics?trial=0&follow=true -> one line of JSON per value that a trial
 * said while it ran; with follow as they come. */
export const MetricLine = Type.Object(
  {
    ...MetricPoint.properties,
    /** Place in the grid, from 0. */
    trial: Type.Integer(),
    attempt: Type.Integer(),
  },
  { title: 'MetricLine' },
)
export type MetricLine = Static<typeof MetricLine>

/** GET /workspaces/:ws/jobs/:job/logs?follow=true&trial=0 -> text/plain, streamed; ends when the job has.
 * POST /workspaces/:ws/jobs/:job/kill {reason?} -> JobRow. */
export const KillRequest = Type.Object(
  { reason: Optional(Type.String({ maxLength: 1000 })) },
  { title: 'KillRequest' },
)

/** A folder that can be fetched: GET /workspaces/:ws/entities/:entity/content -> frames. */
export const Artifact = Type.Object({
  entity: Type.String(),
  /** Folder it gets in `get`: `mnist:e23a2`, `features:9fd9d`, `b82151`. */
  name: Type.String(),
  tree: DigestSchema,
  files: Type.Integer(),
  bytes: Type.Integer(),
})
export type Artifact = Static<typeof Artifact>

/** GET /workspaces/:ws/jobs/:job/artifacts, also of failed and killed jobs. */
export const JobArtifacts = Type.Object(
  {
    jobId: Type.String(),
    code: Type.Array(Artifact),
    data: Type.Array(Artifact),
    models: Type.Array(
      Type.Object({
        artifact: Artifact,
        modelId: Type.String(),
        hyper: Nullable(
          Type.Object({
            hash: Type.String(),
            file: Type.String(),
            values: Type.Record(Type.String(), Type.Unknown()),
          }),
        ),
      }),
    ),
  },
  { title: 'JobArtifacts' },
)
export type JobArtifacts = Static<typeof JobArtifacts>

/** GET /workspaces/:ws/models -> {models}, newest first; GET /workspaces/:ws/models/:model. A model is
 * named by its id, a unique part of it, its entity id, a version, a tag, a digest, or @latest.
 * GET /workspaces/:ws/models/:model/provenance?format=pdf|svg|png|dot|json */
export const ModelView = Type.Object(
  {
    modelId: Type.String(),
    entity: Type.String(),
    /** Null: it was not trained here but pushed. */
    jobId: Nullable(Type.String()),
    /** Where it has a place in the catalogue: `mnist@v1`. */
    versions: Type.Array(Type.String()),
    tree: DigestSchema,
    author: Type.String(),
    at: At,
    metrics: ModelRow.properties.metrics,
  },
  { title: 'Model' },
)
export type ModelView = Static<typeof ModelView>
