/* Attestations: an in-toto statement (v1), mostly with an SLSA provenance predicate (v1), in a DSSE
 * envelope signed with Ed25519. The envelope's payload is signed as it is: PAE = "DSSEv1" SP len(type) SP type
 * SP len(body) SP body, lengths in decimal bytes. Verify first, then read those same bytes. */
import { type KeyObject, sign, verify } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { type Digest, hexOf } from './digest.ts'
import { KaosError } from './errors.ts'

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
export const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1'
/** Of an envelope that is kept or sent as a file. */
export const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json'
/** Larger ones are refused. */
export const ENVELOPE_MAX = 256 * 1024

/** secure-systems-lab/dsse, envelope.md. */
export const Envelope = Type.Object(
  {
    payloadType: Type.String(),
    /** Base64. */
    payload: Type.String(),
    signatures: Type.Array(
      Type.Object({ keyid: Type.Optional(Type.String()), sig: Type.String() }),
    ),
  },
  { title: 'Envelope' },
)
export type Envelope = Static<typeof Envelope>

/** in-toto/attestation, spec/v1/resource_descriptor.md. */
export interface Resource {
  readonly name?: string
  readonly uri?: string
  readonly digest?: Readonly<Record<string, string>>
  readonly mediaType?: string
  readonly annotations?: Readonly<Record<string, unknown>>
}

/** in-toto/attestation, spec/v1/statement.md. `P` is what the predicate type stands for. */
export interface Statement<P = Provenance> {
  readonly _type: typeof STATEMENT_TYPE
  readonly subject: readonly Resource[]
  readonly predicateType: string
  readonly predicate: P
}

/** slsa-framework/slsa, provenance v1. */
export interface Provenance {
  readonly buildDefinition: {
    /** What kind of job: `https://kaos.dev/job/train/v1`. */
    readonly buildType: string
    /** What the user gave. */
    readonly externalParameters: Readonly<Record<string, unknown>>
    readonly internalParameters?: Readonly<Record<string, unknown>>
    /** The exact inputs. */
    readonly resolvedDependencies?: readonly Resource[]
  }
  readonly runDetails: {
    readonly builder: { readonly id: string; readonly version?: Readonly<Record<string, string>> }
    readonly metadata?: {
      readonly invocationId?: string
      readonly startedOn?: string
      readonly finishedOn?: string
    }
    readonly byproducts?: readonly Resource[]
  }
}

export interface EnvelopeKey {
  readonly kid: string
  readonly publicKey: KeyObject
}

/** A tree or file by content, as in-toto names digests. A tree's digest is that of its encoding
 * (api/tree.ts), which is SHA-256 too; the name of the algorithm says so. */
export function resourceOf(name: string, digest: Digest, algorithm = 'kaosTree'): Resource {
  return { name, digest: { [algorithm]: hexOf(digest) } }
}

export function provenanceStatement(
  subject: readonly Resource[],
  predicate: Provenance,
): Statement {
  return { _type: STATEMENT_TYPE, subject, predicateType: PREDICATE_TYPE, predicate }
}

/** A statement of any other kind about these subjects. */
export function statementOf<P>(
  subject: readonly Resource[],
  predicateType: string,
  predicate: P,
): Statement<P> {
  return { _type: STATEMENT_TYPE, subject, predicateType, predicate }
}

/** The one form in which an envelope is kept, so that it has one digest. */
export function envelopeBytes({ payloadType, payload, signatures }: Envelope): Buffer {
  const signed = signatures.map(({ keyid, sig }) =>
    keyid === undefined ? { sig } : { keyid, sig },
  )
  return Buffer.from(JSON.stringify({ payloadType, payload, signatures: signed }))
}

/** An envelope as it lies in a file; SIGNATURE_INVALID for anything else. */
export function envelopeIn(bytes: Uint8Array): Envelope {
  let value: Partial<Envelope> | null
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw invalid('the file is no JSON')
  }
  const { payloadType, payload, signatures } = value ?? {}
  const isList = Array.isArray(signatures) && signatures.every(one => typeof one?.sig === 'string')
  if (typeof payloadType === 'string' && typeof payload === 'string' && isList) {
    return { payloadType, payload, signatures }
  }
  throw invalid('the file is no DSSE envelope')
}

/** What the envelope says, whoever signed it: not to be believed. */
export function unverified({ payload }: Envelope): Statement<unknown> {
  return statementIn(Buffer.from(payload, 'base64'))
}

/** Signs the statement as JSON. */
export function signedEnvelope(
  statement: Statement<unknown>,
  key: { readonly kid: string; readonly privateKey: KeyObject },
): Envelope {
  const payload = Buffer.from(JSON.stringify(statement))
  const sig = sign(null, pae(PAYLOAD_TYPE, payload), key.privateKey).toString('base64')
  return {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid: key.kid, sig }],
  }
}

/** What the envelope states, and by which of the keys; SIGNATURE_INVALID when none of them signed it,
 * or it is about something else than this predicate type (null: any). */
export function openEnvelope<P = Provenance>(
  envelope: Envelope,
  keys: readonly EnvelopeKey[],
  predicateType: string | null = PREDICATE_TYPE,
): { statement: Statement<P>; kid: string } {
  if (envelope.payloadType !== PAYLOAD_TYPE) throw invalid(`it holds ${envelope.payloadType}`)
  const payload = Buffer.from(envelope.payload, 'base64')
  const signed = pae(envelope.payloadType, payload)
  const by = keys.find(key =>
    envelope.signatures.some(({ keyid, sig }) => {
      if (keyid !== undefined && keyid !== key.kid) return false
      return verify(null, signed, key.publicKey, Buffer.from(sig, 'base64'))
    }),
  )
  if (by === undefined) throw invalid('none of the known keys has signed it')
  const statement = statementIn<P>(payload)
  if (predicateType !== null && statement.predicateType !== predicateType) {
    throw invalid(`it states ${statement.predicateType}, not ${predicateType}`)
  }
  return { statement, kid: by.kid }
}

function statementIn<P>(payload: Buffer): Statement<P> {
  let said: Partial<Statement<P>>
  try {
    said = JSON.parse(payload.toString('utf8'))
  } catch {
    throw invalid('its payload is no JSON')
  }
  if (said?._type !== STATEMENT_TYPE || typeof said.predicateType !== 'string') {
    throw invalid(`it holds ${said?._type} about ${said?.predicateType}`)
  }
  if (!Array.isArray(said.subject) || said.subject.length === 0 || !said.predicate) {
    throw invalid('it has no subject or no predicate')
  }
  return said as Statement<P>
}

function pae(type: string, body: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `
  return Buffer.concat([Buffer.from(head), body])
}

function invalid(why: string): KaosError {
  return new KaosError('SIGNATURE_INVALID', `the attestation cannot be trusted: ${why}`)
}
