/* Ids. An entity's id is a UUIDv7 (RFC 9562), so ids sort by birth; on the wire and in the CLI jobs,
 * commits and entities are shown as the original showed them: 32 hex digits without dashes. Short
 * ids keep the original's look: bundles `mnist:e23a2`, models `e23a2_9fd9d:b82151`. */
import { createHash, randomBytes } from 'node:crypto'
import { type Digest, hexOf } from './digest.ts'

/** A new UUIDv7 as 32 hex digits without dashes; `at` in milliseconds since 1970. */
export function newId(at: number = Date.now()): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(at, 0, 6)
  bytes[6] = 0x70 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  return bytes.toString('hex')
}

const ID = /^[0-9a-f]{32}$/
export function isId(text: string): boolean {
  return ID.test(text)
}

/** The five digits that a bundle shows: the first of its tree digest. */
export function shortDigest(digest: Digest): string {
  return hexOf(digest).slice(0, 5)
}

/** `mnist:e23a2`. */
export function bundleName(folder: string, tree: Digest): string {
  return `${folder}:${shortDigest(tree)}`
}

/** Six hex digits, the same for the same text: output folders (`/pfs/out/<six>`), endpoint suffixes. */
export function sixOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6)
}

/** Names of workspaces: letters, digits, underscore; kept in lower case. */
export const WORKSPACE_NAME = /^[A-Za-z0-9_]{1,64}$/

/** First path segments that no endpoint may take. */
export const RESERVED_PATHS = [
  'api',
  'v2',
  'dvc',
  'lfs',
  'healthz',
  'readyz',
  'metrics',
  'openapi.json',
]
