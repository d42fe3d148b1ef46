import Type, { type Static } from 'typebox'

/** A time: RFC 3339 in UTC. */
export const At = Type.String({ description: 'RFC 3339, UTC' })
export const Optional = Type.Optional
export const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(of: T) =>
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
