import Type, { type Static } from 'typebox'
import { DigestSchema } from '../digest-schema.ts'
import { FileChange } from './catalogue.ts'
import { Nullable, Optional } from './common.ts'
import { JobRow } from './jobs.ts'
import { Changed, MetricDelta } from './provenance.ts'

export const REPLAYS_MAX = 20

/** POST /workspaces/:ws/replays -> 202. A trained model again, from the ledger and the store alone. */
export const ReplayRequest = Type.Object(
  {
    /** The model, or else the job that made it. */
    model: Optional(Type.String({ minLength: 1 })),
    job: Optional(Type.String({ minLength: 1 })),
    /** Of a job with several trials: which, from 0. */
    trial: Optional(Type.Integer({ minimum: 0 })),
    /** Runs that are compared with the original. */
    times: Optional(Type.Integer({ minimum: 1, maximum: REPLAYS_MAX })),
    /** By how much a metric may differ; `*` stands for all that are not named. */
    tolerance: Optional(Type.Record(Type.String(), Type.Number({ minimum: 0 }))),
    /** Look for what the result depends on when the bytes differ (when absent), or also when they are
     * the same. */
    explain: Optional(
      Type.Unsafe<'unlike' | 'always' | 'never'>(
        Type.Union(['unlike', 'always', 'never'].map(when => Type.Literal(when))),
      ),
    ),
    /** Resolve the packages anew instead of taking those that are recorded. */
    fresh: Optional(Type.Boolean()),
    /** Keep what the first run makes as a model of its own. */
    keep: Optional(Type.Boolean()),
  },
  { title: 'ReplayRequest' },
)
export type ReplayRequest = Static<typeof ReplayRequest>

export const ReplayedModel = Type.Object({
  job: Type.String(),
  /** From 0. */
  trial: Type.Integer(),
  /** The entity, and how people see it. */
  model: Type.String(),
  modelId: Type.String(),
  tree: DigestSchema,
})
export type ReplayedModel = Static<typeof ReplayedModel>

export const ReplayAccepted = Type.Object(
  {
    job: JobRow,
    of: ReplayedModel,
    /** The build that resolves the packages anew. */
    build: Nullable(JobRow),
    warnings: Type.Array(Type.String()),
  },
  { title: 'ReplayAccepted' },
)
export type ReplayAccepted = Static<typeof ReplayAccepted>

const Difference = Type.Object({
  /** The first of them. */
  files: Type.Array(FileChange),
  /** Whether there are more, or content is not here any more. */
  truncated: Type.Boolean(),
  metrics: Type.Array(MetricDelta),
})
export type Difference = Static<typeof Difference>

export const ReplayRunView = Type.Object({
  /** `as recorded`, `seed and clock forced`, … */
  run: Type.String(),
  trial: Type.String(),
  forced: Nullable(Type.Object({ seed: Type.Integer(), clock: Type.String() })),
  state: Type.Unsafe<'identical' | 'different' | 'failed' | 'unfinished'>(
    Type.Union(
      ['identical', 'different', 'failed', 'unfinished'].map(state => Type.Literal(state)),
    ),
  ),
  reason: Nullable(Type.String()),
  tree: Nullable(DigestSchema),
})
export type ReplayRunView = Static<typeof ReplayRunView>

export const REPLAY_CAUSES = ['randomness', 'clock', 'packages', 'environment', 'unknown'] as const
export type ReplayCause = (typeof REPLAY_CAUSES)[number]

export const VerdictView = Type.Object(
  {
    verdict: Type.Unsafe<'identical' | 'within tolerance' | 'different' | 'failed'>(
      Type.Union(
        ['identical', 'within tolerance', 'different', 'failed'].map(one => Type.Literal(one)),
      ),
    ),
    reason: Nullable(Type.String()),
    /** Of packages that were resolved anew, not of those recorded. */
    fresh: Type.Boolean(),
    /** The first run that is unlike the original, against it. */
    difference: Nullable(Difference),
    /** Metrics that a tolerance was given for. */
    judged: Type.Array(
      Type.Object({
        name: Type.String(),
        off: Nullable(Type.Number()),
        tolerance: Type.Number(),
        within: Type.Boolean(),
      }),
    ),
    /** Whether replays agree with each other; null when only one was run. */
    agree: Nullable(Type.Boolean()),
    causes: Type.Array(
      Type.Object({
        what: Type.Unsafe<ReplayCause>(Type.Union(REPLAY_CAUSES.map(one => Type.Literal(one)))),
        says: Type.String(),
        files: Type.Array(Type.String()),
        metrics: Type.Array(Type.String()),
        changed: Type.Array(Changed),
      }),
    ),
    /** What was tried, and what came of it. */
    experiments: Type.Array(Type.String()),
    /** Requirements of the program that name no single version. */
    unpinned: Type.Array(Type.String()),
  },
  { title: 'Verdict' },
)
export type VerdictView = Static<typeof VerdictView>

export const SCORE_ITEMS = ['image', 'packages', 'seeds', 'data', 'code', 'git', 'replays'] as const
export type ScoreItem = (typeof SCORE_ITEMS)[number]

/** GET /workspaces/:ws/models/:model/score: how reproducible a model is. The total is the sum of the
 * points, and 100 the most. */
export const ScoreView = Type.Object(
  {
    modelId: Type.String(),
    entity: Type.String(),
    job: Type.String(),
    score: Type.Integer(),
    of: Type.Integer(),
    items: Type.Array(
      Type.Object({
        item: Type.Unsafe<ScoreItem>(Type.Union(SCORE_ITEMS.map(one => Type.Literal(one)))),
        points: Type.Integer(),
        of: Type.Integer(),
        /** What was found. */
        found: Type.String(),
        /** What to do for the missing points; null when there are none. */
        better: Nullable(Type.String()),
      }),
    ),
  },
  { title: 'Score' },
)
export type ScoreView = Static<typeof ScoreView>

/** GET /workspaces/:ws/replays/:job */
export const ReplayView = Type.Object(
  {
    job: JobRow,
    of: ReplayedModel,
    runs: Type.Array(ReplayRunView),
    /** Entity of the verdict; null until there is one. */
    entity: Nullable(Type.String()),
    verdict: Nullable(VerdictView),
  },
  { title: 'Replay' },
)
export type ReplayView = Static<typeof ReplayView>
