/* What the catalogue needs of the rest, and what its changes have in common: each is one commit with
 * its actor, done once for a call with an Idempotency-Key. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { Expectation, Json, Ledger, Node, Statement } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Parts, Workspace } from '../parts.ts'
import type { Space } from '../system/space.ts'
import { newestVersion } from './versions.ts'

export type Room = Pick<
  Parts,
  | 'settings'
  | 'ledger'
  | 'store'
  | 'people'
  | 'workspaces'
  | 'transfer'
  | 'intake'
  | 'presence'
  | 'partOf'
  | 'now'
> & { readonly space: Space }

/** A change as it was asked for. */
export interface Asked {
  readonly actor: Actor
  readonly workspace: Workspace
  /** Record in which it notes what it made. */
  readonly once: string | undefined
}

/** A commit in the making. */
export interface Change {
  readonly expect: Expectation[]
  readonly statements: Statement[]
}

const KEPT_MS = 24 * 3600_000

/** What an earlier call with this key made, if there was one. */
export async function madeBefore<T>(ledger: Ledger, { once }: Asked): Promise<T | undefined> {
  return once === undefined ? undefined : ((await recordAt(ledger, once))?.value as T | undefined)
}

/** Commits the change, with the note of what it made. Without a statement nothing is written. */
export async function commitOnce(
  { ledger, now }: Pick<Room, 'ledger' | 'now'>,
  { actor, workspace, once }: Asked,
  { expect, statements }: Change,
  made: Json,
): Promise<void> {
  if (statements.length === 0) return
  const noted =
    once === undefined
      ? {}
      : { records: [{ key: once, value: made, expires: now() + KEPT_MS }] as const }
  await ledger.commit({
    actor: actor.id,
    organisation: workspace.organisation,
    expect: once === undefined ? expect : [...expect, { record: once, version: 0 }],
    statements,
    ...noted,
  })
}

/** Data and models do not share a repository: its newest version would be now one, now the other. */
export async function requireSameKind(
  ledger: Ledger,
  ws: string,
  repository: string,
  kind: string,
): Promise<Node | undefined> {
  const newest = await newestVersion(ledger, ws, repository)
  const node = newest && (await ledger.node(newest.entity))
  const pair = [node?.kind, kind].sort().join()
  if (pair !== 'data,model') return node
  const what = kind === 'data' ? 'a data set' : 'a model'
  const holds = kind === 'data' ? 'models' : 'data sets'
  const message = `${repository} holds ${holds}, so ${what} needs another name`
  throw new KaosError('INVALID_NAME', `${message}; give one, like ${repository}-${kind}`)
}
