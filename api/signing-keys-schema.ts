/* The keys of an installation as they are shown. Apart from what is done with them: every command looks
 * at them, and must not wait for the schemas' library to be loaded. */
import Type, { type Static } from 'typebox'

/** GET /.well-known/jwks.json and /ledger/keys: an RFC 7517 set of Ed25519 keys (RFC 8037). */
export const KeySet = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        kty: Type.Literal('OKP'),
        crv: Type.Literal('Ed25519'),
        x: Type.String(),
        kid: Type.String(),
        use: Type.Literal('sig'),
        alg: Type.Literal('EdDSA'),
        /** By the key before it, over `endorsementOf`, base64url; the first key has none. */
        kaos_endorsed_by: Type.Optional(Type.String()),
        kaos_endorsement: Type.Optional(Type.String()),
      }),
    ),
  },
  { title: 'KeySet' },
)
export type KeySet = Static<typeof KeySet>
export type SigningKey = KeySet['keys'][number]
