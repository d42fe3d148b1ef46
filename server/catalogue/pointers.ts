/* The names under which the ledger keeps the catalogue, and what it takes to move them. A repository
 * is the place of one thing in its versions (`features`, `property-val`, `team/images`): it has
 * numbered versions, tags, and as an OCI repository (`<workspace>/<repository>`) manifests.
 *
 *   version/<ws>/<repository>/<number, 8 digits>   entity; numbers grow by one and are never used again
 *   versions/<ws>/<repository>                     the last number that was given, a word
 *   place/<ws>/<entity>/<repository>               the number that the entity has there, a word
 *   tag/<ws>/<repository>/<tag>                    entity
 *   about/<ws>/<repository>                        entity of kind `description`
 *   oci/<ws>/<repository>/<digest>                 entity whose OCI manifest that is
 *   referrer/<ws>/<repository>/<subject>/<digest>  entity whose manifest refers to the subject
 *
 * <ws> is a workspace's id; a repository's name may hold slashes, the last part never does. */
import { KaosError } from '../../api/errors.ts'
import type { Expectation, Ledger, Move, Statement } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'

/** distribution-spec 1.1, <name>, without the workspace; the whole stays below 255 characters. */
const REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const REPOSITORY_MAX = 180
/** distribution-spec 1.1, <reference> as a tag. */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

export function isRepository(name: string): boolean {
  return name.length <= REPOSITORY_MAX && REPOSITORY.test(name)
}

export function isTag(tag: string): boolean {
  return TAG.test(tag)
}

export function requireRepository(name: string): string {
  if (isRepository(name)) return name
  const rule = 'use lower-case letters and digits, with . _ - or / between them'
  throw new KaosError(
    'INVALID_NAME',
    `${JSON.stringify(name)} is no name for a repository; ${rule}`,
  )
}

export function requireTag(tag: string): string {
  if (isTag(tag)) return tag
  const rule = 'use letters, digits, _ . and -, not . or - first, 128 at most'
  throw new KaosError('INVALID_NAME', `${JSON.stringify(tag)} cannot be a tag; ${rule}`)
}

export const pointerOf = {
  version: (ws: string, repository: string, number: number) =>
    `version/${ws}/${repository}/${String(number).padStart(8, '0')}`,
  versions: (ws: string, repository: string) => `versions/${ws}/${repository}`,
  place: (ws: string, entity: string, repository: string) => `place/${ws}/${entity}/${repository}`,
  tag: (ws: string, repository: string, tag: string) => `tag/${ws}/${repository}/${tag}`,
  about: (ws: string, repository: string) => `about/${ws}/${repository}`,
  oci: (ws: string, repository: string, digest: string) => `oci/${ws}/${repository}/${digest}`,
  referrer: (ws: string, repository: string, subject: string, digest: string) =>
    `referrer/${ws}/${repository}/${subject}/${digest}`,
}

/** What a commit must expect and move. */
export interface Moving {
  readonly expect: Expectation[]
  readonly moves: Move[]
}

/** Makes the entity the next version of a repository. The commit meets CONFLICT when another came
 * first: plan again then. */
export async function planVersion(
  ledger: Ledger,
  ws: string,
  repository: string,
  entity: string,
): Promise<Moving & { number: number }> {
  const counter = pointerOf.versions(ws, requireRepository(repository))
  const last = (await pointerAt(ledger, counter))?.target ?? null
  const number = Number(last ?? 0) + 1
  return {
    number,
    expect: [{ pointer: counter, target: last }],
    moves: [
      { pointer: counter, target: String(number) },
      { pointer: pointerOf.version(ws, repository, number), target: entity },
      { pointer: pointerOf.place(ws, entity, repository), target: String(number) },
    ],
  }
}

/** Moves a tag to an entity, or (null) takes it away. `from` is where it stood; the move is a fact
 * of its own: `tagMoved` states it. */
export async function planTag(
  ledger: Ledger,
  ws: string,
  repository: string,
  tag: string,
  entity: string | null,
): Promise<Moving & { from: string | null }> {
  const pointer = pointerOf.tag(ws, requireRepository(repository), requireTag(tag))
  const from = (await pointerAt(ledger, pointer))?.target ?? null
  return {
    from,
    expect: [{ pointer, target: from }],
    moves: from === entity ? [] : [{ pointer, target: entity }],
  }
}

/** The fact that a tag was moved; undefined when it stands there already. */
export function tagMoved(
  ws: string,
  repository: string,
  tag: string,
  { from, moves }: Moving & { from: string | null },
): Statement | undefined {
  const [move] = moves
  if (move === undefined) return undefined
  const detail = { repository, tag, from, to: move.target }
  return { type: 'tag.moved', workspace: ws, moves, detail }
}
