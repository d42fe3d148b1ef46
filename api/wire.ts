/* What CLI and server say to each other about bundles, jobs, models and endpoints: one schema each,
 * which validates, types and documents. Paths are below /api/v1. Times are RFC 3339 in UTC. */
import Type, { type Static } from 'typebox'
import { Resources } from './attempts.ts'
import { DigestSchema } from './digest.ts'

const At = Type.String({ description: 'RFC 3339, UTC' })
const Optional = Type.Optional
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(of: T) =>
  Type.Union([of, Type.Null()])

/** Problem details (RFC 9457) with our members. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Optional(Type.String()),
    code: Type.String(),
    message: Type.String(),
    requestId: Type.String(),
    data: Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { title: 'Problem' },
)
export type Problem = Static<typeof Problem>

/** GET /server (public part) */
export const ServerView = Type.Object(
  {
    name: Type.Literal('kaos'),
    version: Type.String(),
    /** Grows when old clients can no longer speak to it. */
    api: Type.Integer(),
    installation: Type.String(),
    runner: Type.String(),
    /** Whether a token is needed. */
    local: Type.Boolean(),
    /** Absent without a valid token. */
    actor: Optional(
      Type.Object({ id: Type.String(), name: Type.String(), scopes: Type.Array(Type.String()) }),
    ),
    parts: Optional(Type.Record(Type.String(), Type.String())),
    notes: Optional(Type.Array(Type.String())),
  },
  { title: 'Server' },
)
export type ServerView = Static<typeof ServerView>
export const API_VERSION = 1

/** GET /workspaces -> {workspaces}; POST /workspaces {name} -> 201; GET /workspaces/:ws -> WorkspaceInfo;
 * DELETE /workspaces/:ws -> 204 (stops what runs; the facts stay). */
export const WorkspaceView = Type.Object(
  { name: Type.String(), createdAt: At, createdBy: Type.String() },
  { title: 'Workspace' },
)
export type WorkspaceView = Static<typeof WorkspaceView>
export const WorkspaceInfo = Type.Object(
  {
    name: Type.String(),
    createdAt: At,
    createdBy: Type.String(),
    pipelines: Type.Array(Type.String()),
    repos: Type.Array(Type.String()),
  },
  { title: 'WorkspaceInfo' },
)
export type WorkspaceInfo = Static<typeof WorkspaceInfo>

/** POST /workspaces/:ws/uploads {} -> 201. Then the transfer protocol below it, then a bundle. */
export const UploadView = Type.Object({ upload: Type.String(), expiresAt: At }, { title: 'Upload' })
export type UploadView = Static<typeof UploadView>

/** POST /workspaces/:ws/bundles -> 201 new, 200 unchanged. */
export const BundleRequest = Type.Object(
  {
    upload: Type.String(),
    kind: Type.Union([
      Type.Literal('train-source'),
      Type.Literal('serve-source'),
      Type.Literal('data'),
    ]),
    /** Name of the bundle's folder, without `:hash`. */
    folder: Type.String({ minLength: 1, maxLength: 255 }),
    /** Tree of that folder. */
    tree: DigestSchema,
  },
  { title: 'BundleRequest' },
)
export type BundleRequest = Static<typeof BundleRequest>
export const BundleView = Type.Object(
  {
    id: Type.String(),
    kind: Type.String(),
    /** `mnist:e23a2` */
    name: Type.String(),
    /** `/mnist:e23a2` */
    path: Type.String(),
    folder: Type.String(),
    tree: DigestSchema,
    files: Type.Integer(),
    bytes: Type.Integer(),
    author: Type.String(),
    at: At,
    unchanged: Type.Boolean(),
  },
  { title: 'Bundle' },
)
export type BundleView = Static<typeof BundleView>

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
export const ENDPOINT_STATES = [
  'PIPELINE_STARTING',
  'PIPELINE_RUNNING',
  'PIPELINE_RESTARTING',
  'PIPELINE_FAILURE',
  'PIPELINE_STANDBY',
  'PIPELINE_KILLED',
] as const
export type EndpointState = (typeof ENDPOINT_STATES)[number]
export const EndpointStateSchema = Type.Unsafe<EndpointState>(
  Type.Union(ENDPOINT_STATES.map(state => Type.Literal(state))),
)

/** A line of a listing. */
export const JobRow = Type.Object(
  {
    jobId: Type.String(),
    kind: Type.Union([
      Type.Literal('train'),
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
  },
  { title: 'JobRow' },
)
export type JobRow = Static<typeof JobRow>

const InputState = Type.Object({
  state: Type.Union([Type.Literal('set'), Type.Literal('building'), Type.Literal('missing')]),
  /** `build-train-mnist:e23a2`, `/features:9fd9d`, `/3fbf2/*` */
  value: Optional(Type.String()),
})
export const TrainInputs = Type.Object(
  {
    image: InputState,
    data: InputState,
    hyperparams: InputState,
    parallelism: Type.Integer(),
    resources: Resources,
  },
  { title: 'TrainInputs' },
)
export type TrainInputs = Static<typeof TrainInputs>

/** POST /workspaces/:ws/train -> 202. Bundles are named by id, by `mnist:e23a2` or by digest. What
 * is absent stays as it was, except the grid: a call without one has none. */
export const TrainRequest = Type.Object(
  {
    source: Optional(Type.String()),
    data: Optional(Type.String()),
    /** Instead of `data`: files to fetch, as JSON lines (api/manifest.ts). */
    manifest: Optional(Type.String({ maxLength: 1_000_000 })),
    /** The same, sent as a file: its upload, and the digest of the file in it. */
    manifestFile: Optional(Type.Object({ upload: Type.String(), digest: DigestSchema })),
    /** Name of the folder that the files become; `manifest` when absent. */
    manifestName: Optional(Type.String({ minLength: 1, maxLength: 255 })),
    /** An object of lists: each point of their product is one trial. */
    hyperparams: Optional(Type.Record(Type.String(), Type.Unknown())),
    /** The exact text of the file, whose hash names the grid. */
    hyperparamsText: Optional(Type.String({ maxLength: 1_000_000 })),
    parallelism: Optional(Type.Integer({ minimum: 1, maximum: 1024 })),
    resources: Optional(Resources),
    /** Run although a finished job has the same inputs; fetch although a manifest was fetched. */
    again: Optional(Type.Boolean()),
  },
  { title: 'TrainRequest' },
)
export type TrainRequest = Static<typeof TrainRequest>
export const TrainAccepted = Type.Object(
  {
    inputs: TrainInputs,
    grid: Nullable(
      Type.Object({
        hash: Type.String(),
        points: Type.Array(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
    /** The image build that was started. */
    build: Nullable(JobRow),
    /** The manifest that was sent. `unchanged`: it was fetched before and is not fetched again. */
    manifest: Optional(
      Type.Object({ name: Type.String(), files: Type.Integer(), unchanged: Type.Boolean() }),
    ),
    /** The ingestion of the manifest that was started, or joined. */
    ingest: Optional(Nullable(JobRow)),
    /** The training that was started or (unchanged) found. */
    job: Nullable(JobRow),
    /** True: a finished job has these inputs; nothing was started. */
    unchanged: Type.Boolean(),
    warnings: Type.Array(Type.String()),
  },
  { title: 'TrainAccepted' },
)
export type TrainAccepted = Static<typeof TrainAccepted>

/** GET /workspaces/:ws/train -> newest first. GET /workspaces/:ws/train/inputs -> TrainInputs. */
export const TrainList = Type.Object(
  { ingesting: Type.Array(JobRow), building: Type.Array(JobRow), training: Type.Array(JobRow) },
  { title: 'TrainList' },
)
export type TrainList = Static<typeof TrainList>

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
    /** The build a training waits for or came from. */
    build: Nullable(Type.String()),
    /** The ingestion a training waits for or had its data from. */
    ingest: Optional(Nullable(Type.String())),
  },
  { title: 'Job' },
)
export type JobView = Static<typeof JobView>

/** GET /workspaces/:ws/jobs/:job/logs?follow=true -> text/plain, streamed; ends when the job has.
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
 * named by its id, a unique part of it, its entity id, or @latest.
 * GET /workspaces/:ws/models/:model/provenance?format=pdf|svg|dot|json */
export const ModelView = Type.Object(
  {
    modelId: Type.String(),
    entity: Type.String(),
    jobId: Type.String(),
    tree: DigestSchema,
    author: Type.String(),
    at: At,
    metrics: ModelRow.properties.metrics,
  },
  { title: 'Model' },
)
export type ModelView = Static<typeof ModelView>

/** POST /workspaces/:ws/serve -> 202 */
export const ServeRequest = Type.Object(
  {
    /** Bundle id or name of kind serve-source. */
    source: Type.String(),
    model: Optional(Type.String()),
    resources: Optional(Resources),
  },
  { title: 'ServeRequest' },
)
export type ServeRequest = Static<typeof ServeRequest>

export const EndpointView = Type.Object(
  {
    name: Type.String(),
    state: EndpointStateSchema,
    reason: Nullable(Type.String()),
    /** `127.0.0.1:8080/serve-mnist-ae6466/invocations`, as the caller reaches it. */
    url: Type.String(),
    user: Type.String(),
    createdAt: At,
    /** `/mnist:ff06b`, with the model put in. */
    code: Type.String(),
    image: Type.String(),
    modelId: Nullable(Type.String()),
    buildJob: Type.String(),
    revision: Type.String(),
  },
  { title: 'Endpoint' },
)
export type EndpointView = Static<typeof EndpointView>
export const ServeAccepted = Type.Object(
  { endpoint: EndpointView, source: Type.String(), model: Nullable(Type.String()), build: JobRow },
  { title: 'ServeAccepted' },
)
export type ServeAccepted = Static<typeof ServeAccepted>

/** GET /workspaces/:ws/serve. building: newest build that runs or failed first; running: endpoints whose build is
 * done. GET|… /workspaces/:ws/serve/endpoints/:endpoint, /artifacts -> {code: Artifact}, /logs?follow=,
 * /provenance?format=, POST /kill -> EndpointView. Name, unique part of it, or @latest. */
export const ServeList = Type.Object(
  { building: Type.Array(JobRow), running: Type.Array(EndpointView) },
  { title: 'ServeList' },
)
export type ServeList = Static<typeof ServeList>

/** /admin/users: GET {users}, POST {name, role} -> 201, DELETE /admin/users/:name (profile and tokens go). */
export const UserView = Type.Object(
  { id: Type.String(), name: Type.String(), role: Type.String(), createdAt: At },
  { title: 'User' },
)
export type UserView = Static<typeof UserView>
export const NewUser = Type.Object(
  { name: Type.String(), role: Optional(Type.String()) },
  { title: 'NewUser' },
)

/** /admin/tokens: GET {tokens}, POST -> 201 NewToken (the only time the token is shown), DELETE /admin/tokens/:id. */
export const TokenRequest = Type.Object(
  {
    user: Type.String(),
    /** A century at most. */
    expiresInSeconds: Optional(Type.Integer({ minimum: 60, maximum: 100 * 366 * 24 * 3600 })),
    name: Optional(Type.String({ maxLength: 100, pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$' })),
  },
  { title: 'TokenRequest' },
)
export const TokenView = Type.Object(
  {
    id: Type.String(),
    user: Type.String(),
    name: Type.String(),
    createdAt: At,
    expiresAt: Nullable(At),
    revoked: Type.Boolean(),
  },
  { title: 'Token' },
)
export type TokenView = Static<typeof TokenView>
export const NewToken = Type.Object(
  { token: Type.String(), view: TokenView },
  { title: 'NewToken' },
)
export type NewToken = Static<typeof NewToken>
