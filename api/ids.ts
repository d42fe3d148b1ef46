/* Ids. An entity's id is a UUIDv7 (RFC 9562), so ids sort by birth; on the wire and in the CLI jobs,
 * commits and entities are shown as the original showed them: 32 hex digits without dashes. Short
 * ids keep the original's look: bundles `mnist:e23a2`, models `e23a2_9fd9d:b82151`. */
import { createHash, randomUUID } from 'node:crypto'
import { type Digest, hexOf } from './digest.ts'

/** A new UUIDv7 as 32 hex digits without dashes; `at` in milliseconds since 1970. */
export function newId(at: number = Date.now()): string {
  // Node draws the chance of many UUIDs at once. A version 4 differs in its first 13 digits alone.
  const chance = randomUUID()
  const time = at.toString(16).padStart(12, '0')
  return `${time}7${chance.slice(15, 18)}${chance.slice(19, 23)}${chance.slice(24)}`
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
