/* Errors as OCI clients expect them (distribution-spec 1.1). The status is that of our own table; the
 * code is the nearest of theirs. */
import { type Code, KaosError } from '../../api/errors.ts'

const WORDS: Partial<Record<Code, string>> = {
  AUTHORIZATION_FAILURE: 'UNAUTHORIZED',
  NOT_PERMITTED: 'DENIED',
  QUOTA_EXCEEDED: 'DENIED',
  QUARANTINED: 'DENIED',
  WORKSPACE_NOT_FOUND: 'NAME_UNKNOWN',
  REPOSITORY_UNKNOWN: 'NAME_UNKNOWN',
  NOT_FOUND: 'NAME_UNKNOWN',
  INVALID_NAME: 'NAME_INVALID',
  DIGEST_INVALID: 'DIGEST_INVALID',
  DIGEST_MISMATCH: 'DIGEST_INVALID',
  BLOB_UNKNOWN: 'BLOB_UNKNOWN',
  OBJECT_UNKNOWN: 'BLOB_UNKNOWN',
  UPLOAD_NOT_FOUND: 'BLOB_UPLOAD_UNKNOWN',
  RANGE_INVALID: 'BLOB_UPLOAD_INVALID',
  MANIFEST_UNKNOWN: 'MANIFEST_UNKNOWN',
  MANIFEST_INVALID: 'MANIFEST_INVALID',
  INVALID_KIT: 'MANIFEST_INVALID',
  JSON_TOO_DEEP: 'MANIFEST_INVALID',
  MANIFEST_BLOB_UNKNOWN: 'MANIFEST_BLOB_UNKNOWN',
  TOO_LARGE: 'SIZE_INVALID',
  TOO_MANY_REQUESTS: 'TOOMANYREQUESTS',
  UNAVAILABLE: 'TOOMANYREQUESTS',
  INTERNAL: 'UNKNOWN',
}

export function ociBody({ code, message, detail }: KaosError) {
  const about = Object.keys(detail).length > 0 ? { detail } : {}
  return { errors: [{ code: WORDS[code] ?? 'UNSUPPORTED', message, ...about }] }
}

/** On every answer below /v2. */
export const API_HEADERS = { 'docker-distribution-api-version': 'registry/2.0' }

export function ociHeaders({ code }: KaosError): Record<string, string> {
  return {
    ...API_HEADERS,
    'content-type': 'application/json',
    // Clients send credentials only after they were asked for them.
    ...(code === 'AUTHORIZATION_FAILURE' && { 'www-authenticate': 'Basic realm="kaos"' }),
  }
}

export function blobUnknown(digest: string, cause?: unknown): KaosError {
  const message = `the repository has no blob ${digest}; push it`
  return new KaosError('BLOB_UNKNOWN', message, { detail: { digest }, cause })
}

export function manifestUnknown(reference: string, cause?: unknown): KaosError {
  const message = `the repository has no manifest ${reference}`
  return new KaosError('MANIFEST_UNKNOWN', message, { detail: { reference }, cause })
}

export function manifestInvalid(why: string, cause?: unknown): KaosError {
  return new KaosError('MANIFEST_INVALID', `the manifest ${why}`, { cause })
}
