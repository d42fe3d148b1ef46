import Type, { type Static } from 'typebox'
import { At, Nullable, Optional } from './common.ts'

/** GET /admin/audit?since&actor&limit: who changed what, and who was denied what; newest first. */
export const AuditRow = Type.Object(
  {
    kind: Type.Union([Type.Literal('change'), Type.Literal('denial')]),
    at: At,
    actor: Type.Object({ id: Type.String(), name: Type.String() }),
    /** Of a change what the ledger calls it, of a denial method and route. */
    what: Type.String(),
    /** What it was done to, in words. */
    on: Nullable(Type.String()),
    workspace: Nullable(Type.String()),
    /** `done`, or the code of the denial. */
    result: Type.String(),
    /** Denials that are alike are one row; `at` is when the last one was. */
    count: Type.Integer({ minimum: 1 }),
    firstAt: At,
    /** Of the last denial. */
    requestId: Nullable(Type.String()),
    address: Nullable(Type.String()),
    /** Statement of the ledger that holds it; null while a denial is not sealed. */
    seq: Nullable(Type.Integer()),
  },
  { title: 'AuditRow' },
)
export type AuditRow = Static<typeof AuditRow>
export const AuditView = Type.Object(
  {
    rows: Type.Array(AuditRow),
    /** There is more in that time than is shown. */
    truncated: Type.Boolean(),
  },
  { title: 'Audit' },
)
export type AuditView = Static<typeof AuditView>
export const AuditQuery = Type.Object({
  /** RFC 3339. */
  since: Optional(Type.String({ format: 'date-time' })),
  /** Name, or the beginning of an id. */
  actor: Optional(Type.String({ minLength: 1, maxLength: 100 })),
  limit: Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})
export type AuditQuery = Static<typeof AuditQuery>
