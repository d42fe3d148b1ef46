import Type, { type Static } from 'typebox'
import { Gpu } from '../workers.ts'
import { At, Nullable, Optional } from './common.ts'

export const WORKER_STATES = ['new', 'ready', 'drained', 'gone', 'retired'] as const

/** A worker as administrators see it. One name may stand for several hosts, each a row of its own. */
export const WorkerView = Type.Object(
  {
    name: Type.String(),
    /** Its agent in the ledger. */
    id: Type.String(),
    /** new: not heard of yet. drained: takes nothing new. gone: not heard of for a minute. */
    state: Type.Unsafe<(typeof WORKER_STATES)[number]>(
      Type.Union(WORKER_STATES.map(state => Type.Literal(state))),
    ),
    /** Who drained or retired it, and why. */
    by: Nullable(Type.String()),
    reason: Nullable(Type.String()),
    lastHeard: Nullable(At),
    /** When its token ends; null: never, or it is the server's own. */
    tokenExpiresAt: Nullable(At),
    running: Type.Integer(),
    host: Optional(Type.String()),
    runner: Optional(Type.String()),
    engine: Optional(Type.String()),
    version: Optional(Type.String()),
    slots: Optional(Type.Integer()),
    labels: Optional(Type.Array(Type.String())),
    cpus: Optional(Type.Number()),
    memoryBytes: Optional(Type.Integer()),
    gpus: Optional(Type.Integer()),
    devices: Optional(Type.Array(Gpu)),
    driver: Optional(Type.String()),
    cuda: Optional(Type.String()),
    /** Where its services are reached; absent: it runs none. */
    forwarder: Optional(Type.String()),
  },
  { title: 'Worker' },
)
export type WorkerView = Static<typeof WorkerView>

/** GET /admin/workers */
export const WorkerList = Type.Object({ workers: Type.Array(WorkerView) }, { title: 'WorkerList' })
export type WorkerList = Static<typeof WorkerList>

/** POST /admin/workers -> 201. A second time for the same name: the token before ends. */
export const WorkerTokenRequest = Type.Object(
  {
    name: Type.String(),
    expiresInSeconds: Optional(Type.Integer({ minimum: 60, maximum: 100 * 366 * 24 * 3600 })),
    /** The only place where its services may be called: `https://gpu1.internal:8090`. */
    address: Optional(Type.String({ maxLength: 512 })),
  },
  { title: 'WorkerTokenRequest' },
)
export type WorkerTokenRequest = Static<typeof WorkerTokenRequest>

export const NewWorkerToken = Type.Object(
  { name: Type.String(), token: Type.String(), expiresAt: At },
  { title: 'NewWorkerToken' },
)
export type NewWorkerToken = Static<typeof NewWorkerToken>

/** POST /admin/workers/:name/drain, /resume -> 204, /retire -> 200. */
export const WorkerChange = Type.Object(
  { reason: Optional(Type.String({ minLength: 1, maxLength: 1000 })) },
  { title: 'WorkerChange' },
)
export type WorkerChange = Static<typeof WorkerChange>

/** Attempts that were given up: they are tried again elsewhere. */
export const WorkerRetired = Type.Object({ ended: Type.Integer() }, { title: 'WorkerRetired' })
export type WorkerRetired = Static<typeof WorkerRetired>
