import Type, { type Static } from 'typebox'
import { Resources } from '../attempts.ts'
import { DigestSchema } from '../digest-schema.ts'
import { At, Nullable, Optional } from './common.ts'
import { Artifact, GitState, JobRow, ModelRow } from './jobs.ts'

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
    /** Of the folders that were sent for this job and lie in a git work tree. */
    git: Optional(Type.Object({ code: Optional(GitState), data: Optional(GitState) })),
    /** The training that this one was made from, by id or the beginning of one: what was checked out
     * and changed. */
    from: Optional(Type.String({ minLength: 1, maxLength: 64 })),
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

export const Leader = Type.Object({
  modelId: Type.String(),
  entity: Type.String(),
  jobId: Type.String(),
  score: Type.Number(),
  author: Type.String(),
  /** When its job was submitted. */
  at: At,
  /** As people see them: `mnist:e23a2`. */
  code: Type.String(),
  data: Nullable(Type.String()),
  /** The point of the grid. */
  values: Nullable(Type.Record(Type.String(), Type.Unknown())),
  /** Versions and tags: `mnist@v1`, `mnist:champion`. */
  tags: Type.Array(Type.String()),
  metrics: ModelRow.properties.metrics,
})
export type Leader = Static<typeof Leader>
/** GET /workspaces/:ws/train/leaderboard?metric=&objective=max|min&limit=20: models of all trainings, the
 * best first. Without a metric the one that most models have; without an objective less is better of
 * losses and errors, and more of all others. */
export const LeaderboardView = Type.Object(
  {
    metric: Nullable(Type.String()),
    objective: Type.Union([Type.Literal('max'), Type.Literal('min')]),
    available: Type.Array(Type.String()),
    leaders: Type.Array(Leader),
    /** Whether older models were not looked at. */
    truncated: Type.Boolean(),
  },
  { title: 'Leaderboard' },
)
export type LeaderboardView = Static<typeof LeaderboardView>

/** POST /workspaces/:ws/train/:job/retry: trials of an ended training that did not succeed, again, in a
 * new job with the same inputs. What is left out stays as it was there. */
export const RetryRequest = Type.Object(
  {
    /** Only trials that failed by themselves, not those that were killed or never began. */
    failed: Optional(Type.Boolean()),
    parallelism: Optional(Type.Integer({ minimum: 1, maximum: 1024 })),
    resources: Optional(Resources),
  },
  { title: 'RetryRequest' },
)
export type RetryRequest = Static<typeof RetryRequest>
export const RetryAccepted = Type.Object(
  {
    job: JobRow,
    of: Type.String(),
    /** Places in the grid that run again. */
    trials: Type.Array(Type.Integer()),
    /** Trials that succeeded before: their models stay with the old job. */
    kept: Type.Integer(),
    warnings: Type.Array(Type.String()),
  },
  { title: 'RetryAccepted' },
)
export type RetryAccepted = Static<typeof RetryAccepted>

/** GET /workspaces/:ws/train -> newest first. GET /workspaces/:ws/train/inputs -> TrainInputs. */
export const TrainList = Type.Object(
  {
    ingesting: Type.Array(JobRow),
    building: Type.Array(JobRow),
    training: Type.Array(JobRow),
    replaying: Optional(Type.Array(JobRow)),
  },
  { title: 'TrainList' },
)
export type TrainList = Static<typeof TrainList>

/** GET /workspaces/:ws/train/:job/recipe?trial=: all that it takes to run a training again, with or
 * without changes. */
export const Recipe = Type.Object(
  {
    job: Type.String(),
    workspace: Type.String(),
    code: Artifact,
    data: Artifact,
    /** Text of the file of hyperparameters; of one trial: a grid of that point alone. */
    hyperparams: Nullable(Type.String()),
    parallelism: Type.Integer(),
    resources: Resources,
    /** What git knew of the code that was sent. */
    git: Nullable(GitState),
    image: Type.Object({
      name: Type.String(),
      kind: Type.String(),
      tree: DigestSchema,
      /** Of an OCI image: what it is pinned by. */
      manifest: Nullable(DigestSchema),
    }),
    /** What it ran in, and what its image was built in. */
    environment: Type.Record(Type.String(), Type.Unknown()),
    /** Packages with their versions, a line each, as pip takes them. */
    lock: Type.String(),
    /** Lines of requirements.txt that leave the version open. */
    unpinned: Type.Array(Type.String()),
  },
  { title: 'Recipe' },
)
export type Recipe = Static<typeof Recipe>
