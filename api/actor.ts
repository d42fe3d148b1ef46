/** Who acts, and what a route or token may allow. Every interface carries an Actor. */
import Type, { type Static } from 'typebox'

/** Scopes, widest last. A route declares one; a token and a role each hold several. */
export const SCOPES = [
  'public', // anybody, without a token: health, OpenAPI, key addresses
  'attempt', // an attempt's own token: the worker, for that attempt only
  'worker', // a worker: claim work
  'read', // look at what a workspace holds
  'write', // push, train, serve, kill
  'invoke', // call an endpoint
  'maintain', // create and remove workspaces
  'metrics', // read /metrics, and nothing else
  'audit', // read who changed what and who was denied what
  'admin', // users, tokens, the installation
] as const
export type Scope = (typeof SCOPES)[number]
export const ScopeSchema = Type.Union(SCOPES.map(scope => Type.Literal(scope)))

/** Roles and what they hold. `owner` and `administrator` differ by reach: organisation, installation. */
export const ROLES = {
  viewer: ['public', 'read', 'invoke'],
  contributor: ['public', 'read', 'invoke', 'write'],
  maintainer: ['public', 'read', 'invoke', 'write', 'maintain'],
  owner: ['public', 'read', 'invoke', 'write', 'maintain'],
  /** For a program that watches the server. */
  monitor: ['public', 'metrics'],
  /** For who looks after the others. */
  auditor: ['public', 'audit'],
  administrator: ['public', 'read', 'invoke', 'write', 'maintain', 'metrics', 'audit', 'admin'],
} as const satisfies Record<string, readonly Scope[]>
export type Role = keyof typeof ROLES

export interface Actor {
  /** Opaque agent id in the ledger (UUIDv7). Names live in a record and can be erased. */
  readonly id: string
  readonly kind: 'user' | 'robot' | 'worker' | 'system' | 'anonymous'
  /** Shown to people ("jfriedman"). Comes from the server's record, never from the client. */
  readonly name: string
  readonly organisation: string
  readonly scopes: readonly Scope[]
  /** Set on an attempt's token: the only attempt it may speak of. */
  readonly attempt?: string
  /** Set there too: the only repository of the registry that it may read, that of its image. */
  readonly pulls?: string
}

/** The organisation of an installation that has not made others. */
export const DEFAULT_ORGANISATION = 'default'

export const ActorView = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    kind: Type.String(),
    scopes: Type.Array(Type.String()),
  },
  { title: 'Actor' },
)
export type ActorView = Static<typeof ActorView>
