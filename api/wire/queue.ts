import Type, { type Static } from 'typebox'
import { At, Nullable, Optional } from './common.ts'

const Kind = Type.Union([
  Type.Literal('build'),
  Type.Literal('ingest'),
  Type.Literal('trial'),
  Type.Literal('service'),
])

/** A piece of work that a worker has, or may have next, or that waits for other work. */
export const QueueRow = Type.Object(
  {
    kind: Kind,
    workspace: Type.String(),
    jobId: Type.String(),
    /** Of a trial: its number in the grid. */
    trial: Optional(Type.Integer()),
    /** Of a service. */
    endpoint: Optional(Type.String()),
    since: At,
  },
  { title: 'QueueRow' },
)
export type QueueRow = Static<typeof QueueRow>

const Pause = Type.Object({
  /** Null: of all workspaces. */
  workspace: Nullable(Type.String()),
  by: Type.String(),
  at: At,
  reason: Nullable(Type.String()),
})

/** GET /queue: of the workspaces that one may read. */
export const QueueView = Type.Object(
  {
    pauses: Type.Array(Pause),
    limits: Type.Array(Type.Object({ workspace: Type.String(), trials: Type.Integer() })),
    running: Type.Array(
      Type.Object({ ...QueueRow.properties, worker: Type.String(), attempt: Type.Integer() }),
    ),
    /** In the order in which they will be handed out, as things stand. */
    ready: Type.Array(Type.Object({ ...QueueRow.properties, reason: Type.String() })),
    /** Jobs, or trials of them, that cannot be handed out yet. */
    waiting: Type.Array(
      Type.Object({ ...QueueRow.properties, count: Type.Integer(), reason: Type.String() }),
    ),
    /** How many there are of each; null where that is more than was looked at. */
    counts: Type.Object({
      running: Type.Integer(),
      ready: Type.Integer(),
      waiting: Nullable(Type.Integer()),
    }),
    /** More than are shown: of each part its first are. */
    truncated: Type.Boolean(),
  },
  { title: 'Queue' },
)
export type QueueView = Static<typeof QueueView>

/** POST /queue/pause, /queue/resume -> 204. Without a workspace: all of them. */
export const PauseRequest = Type.Object(
  {
    workspace: Optional(Type.String()),
    reason: Optional(Type.String({ minLength: 1, maxLength: 1000 })),
  },
  { title: 'PauseRequest' },
)
export type PauseRequest = Static<typeof PauseRequest>

/** POST /queue/move -> 204. */
export const MoveRequest = Type.Object(
  {
    workspace: Type.String(),
    job: Type.String(),
    to: Type.Union([Type.Literal('first'), Type.Literal('last'), Type.Literal('normal')]),
  },
  { title: 'MoveRequest' },
)
export type MoveRequest = Static<typeof MoveRequest>

/** POST /queue/limit -> 204. Null: no limit any more. */
export const LimitRequest = Type.Object(
  { workspace: Type.String(), trials: Nullable(Type.Integer({ minimum: 1, maximum: 100_000 })) },
  { title: 'LimitRequest' },
)
export type LimitRequest = Static<typeof LimitRequest>
