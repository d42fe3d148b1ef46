import Type, { type Static } from 'typebox'
import { At, Nullable } from './common.ts'

/** GET /admin/worker-keys -> {keys}; POST /admin/worker-keys/:kid/retire and /revoke -> one. */
export const WorkerKeyView = Type.Object(
  {
    kid: Type.String(),
    /** Agent, and what people call it. */
    worker: Type.String(),
    name: Type.String(),
    enrolledAt: At,
    retiredAt: Nullable(At),
    revokedAt: Nullable(At),
  },
  { title: 'WorkerKey' },
)
export type WorkerKeyView = Static<typeof WorkerKeyView>

export const EndKey = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 1000 })) },
  { title: 'EndKey' },
)
export type EndKey = Static<typeof EndKey>
