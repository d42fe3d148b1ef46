/* The keys of workers. Each worker makes an Ed25519 key of its own and enrols the public half with its
 * worker token; that it has the private half it shows by signing `possessionText`. From then on what
 * it makes counts only with a signature of that key.
 *
 * They are published beside the installation's own keys and never among them: a worker's key says
 * what a job made, not what the log is. */
import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { publicKeyOf } from './signing-keys.ts'

/** POST /attempts/enrol. */
export const Enrolment = Type.Object(
  {
    /** The public key, base64url (RFC 8037). */
    x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    /** Signature over `possessionText`, base64url. */
    proof: Type.String({ maxLength: 128 }),
  },
  { title: 'Enrolment' },
)
export type Enrolment = Static<typeof Enrolment>

export const Enrolled = Type.Object({ kid: Type.String() }, { title: 'Enrolled' })
export type Enrolled = Static<typeof Enrolled>

/** GET /.well-known/workers.jwks.json: as RFC 7517, with what the log says of each key. Numbers are
 * those of statements. */
export const WorkerKeySet = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        kty: Type.Literal('OKP'),
        crv: Type.Literal('Ed25519'),
        x: Type.String(),
        kid: Type.String(),
        use: Type.Literal('sig'),
        alg: Type.Literal('EdDSA'),
        /** Agent whose key it is. */
        kaos_worker: Type.String(),
        kaos_enrolled: Type.String(),
        kaos_enrolled_seq: Type.Integer(),
        /** Signs nothing that was begun after this; what it signed stays good. */
        kaos_retired: Type.Optional(Type.String()),
        kaos_retired_seq: Type.Optional(Type.Integer()),
        /** What was not recorded before this is refused. */
        kaos_revoked: Type.Optional(Type.String()),
        kaos_revoked_seq: Type.Optional(Type.Integer()),
      }),
    ),
  },
  { title: 'WorkerKeySet' },
)
export type WorkerKeySet = Static<typeof WorkerKeySet>
export type WorkerKey = WorkerKeySet['keys'][number]

/** Name of a key: its RFC 7638 thumbprint. */
export function thumbprintOf(x: string): string {
  const members = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })
  return createHash('sha256').update(members).digest('base64url')
}

/** A new pair, with a name that can be typed behind a command: one in 64 would begin with `-`. */
export function newSigningPair(): { kid: string; x: string; privateKey: KeyObject } {
  for (;;) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const x = String(publicKey.export({ format: 'jwk' }).x)
    const kid = thumbprintOf(x)
    if (!kid.startsWith('-')) return { kid, x, privateKey }
  }
}

/** `origin`: of the log that it is enrolled in, so that the proof is good for no other server. */
function possessionText(origin: string, x: string): Buffer {
  return Buffer.from(`kaos worker key\n${origin}\n${x}\n`)
}

export function provePossession(origin: string, x: string, privateKey: KeyObject): string {
  return sign(null, possessionText(origin, x), privateKey).toString('base64url')
}

export function hasPossession(origin: string, { x, proof }: Enrolment): boolean {
  const signature = Buffer.from(proof, 'base64url')
  return verify(null, possessionText(origin, x), publicKeyOf({ x }), signature)
}
