import Type, { type Static } from 'typebox'
import { At, Nullable, Optional } from './common.ts'

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
