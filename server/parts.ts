/* What the server's rooms hand to each other. `app.ts` puts it together; a test puts together its own. */
import type { FastifyRequest } from 'fastify'
import type { Actor, Scope } from '../api/actor.ts'
import type { Address } from '../api/attempts.ts'
import type { Digest } from '../api/digest.ts'
import type { KaosError } from '../api/errors.ts'
import type { LogLevel } from '../api/log-line.ts'
import type { Expectation, Ledger, Node } from '../graph/ledger.ts'
import type { Store } from '../store/store.ts'
import type { PartOf } from './catalogue/find.ts'
import type { Counted } from './metrics/metrics.ts'
import type { Keys } from './proofs/keys.ts'
import type { LedgerProofs } from './proofs/proofs.ts'
import type { Engine } from './system/engine.ts'

/** A workspace as a request found it. Nodes carry its id, so a name can be used again after a kill. */
export interface Workspace {
  readonly id: string
  readonly name: string
  readonly organisation: string
  readonly createdAt: string
  readonly createdBy: string
}

/** The people room: who is who. */
export interface People {
  /** Name to show for an agent id; the id's first eight digits when the profile was erased. */
  nameOf(agent: string): Promise<string>
  /** A fresh bearer token for a worker of this server (scope `worker`). Hash kept as a record. */
  issueWorkerToken(worker: string): Promise<string>
  /** A bearer token for one attempt (scope `attempt`), valid until the attempt ends. `pulls`: the
   * repository of the registry (`mnist/build-train-mnist`) that it may read as well. */
  issueAttemptToken(attempt: string, organisation: string, pulls?: string): Promise<string>
  /** The agent that stands for the server itself (class agent, kind `system`). */
  readonly system: Actor
}

/** The workspaces room. */
export interface Workspaces {
  /** WORKSPACE_NOT_FOUND when there is none of that name that the actor may read. */
  find(actor: Actor, name: string): Promise<Workspace>
  /** By id, for background work; undefined once killed. */
  byId(id: string): Promise<Workspace | undefined>
  list(actor: Actor): Promise<Workspace[]>
}

/** Where a body is from: whose quota it counts for, and how long it says that it is. */
export interface BodyFrom {
  readonly workspace: string
  readonly bytes?: number | undefined
}

/** The transfer room. */
export interface Transfer {
  /** `have` for somebody who may read these trees and has sent what is noted under `session`. */
  have(session: string, workspace: string, digests: readonly Digest[]): Promise<boolean[]>
  /** Stores the frames of a request body (streamed, each verified by its own digest) and notes them
   * under the session, durably. Answers how many objects came. UNAVAILABLE when too many bodies
   * come at once, before any of it is read. */
  receive(session: string, body: AsyncIterable<Uint8Array>, from?: BodyFrom): Promise<number>
  /** Whether every object of the tree is here and may be used by this session: requireComplete, and
   * each object noted under the session or readable in the workspace. */
  accept(
    session: string,
    workspace: string,
    tree: Digest,
  ): Promise<{ files: number; bytes: number }>
  /** Same for a single file object (a log). */
  acceptFile(session: string, workspace: string, file: Digest): Promise<void>
  /** Forgets the session's notes. */
  end(session: string): Promise<void>
}

/** Work that finds or puts content and then commits facts about it (server/care/intake.ts). */
export interface Intake {
  /** Does the work. What it expects goes into the commit that makes its facts. Done again when a
   * collection condemned content meanwhile, so it looks at content inside, and can be repeated.
   * `epoch` changes with each collection: what was once found complete may be gone after it. */
  relying<T>(work: (expect: readonly Expectation[], epoch: number) => Promise<T>): Promise<T>
}

/** Whether an entity's content is here, whole (server/care/presence.ts). */
export interface Presence {
  /** To be asked within the intake's work, with its epoch. PURGED, OBJECT_UNKNOWN (removed and
   * collected) or OBJECT_DAMAGED, naming the entity. */
  require(node: Node, epoch: number): Promise<void>
  /** The same, answered instead of thrown. */
  lossOf(node: Node, epoch: number): Promise<KaosError | undefined>
}

/** Room that a workspace may take (server/care/quotas.ts). */
export interface Quotas {
  /** Sets so many bytes aside before they are read. QUOTA_EXCEEDED (with limit, used, requested) when
   * the workspace has no room for them; nothing happens where no quota is set. */
  reserve(workspace: string, bytes: number): Promise<Reservation>
}

export interface Reservation {
  /** Sets more aside, for a body whose length is not known before. */
  add(bytes: number): Promise<void>
  /** So many came and stay: they count from now on. */
  settle(bytes: number): Promise<void>
  /** Nothing came of it. After `settle` it has no effect. */
  release(): Promise<void>
}

/** A service on another host, behind the forwarder of its worker. */
export interface Tunnel {
  readonly attempt: string
  readonly url: string
  /** Address to connect to, whatever the URL's name means by now. */
  readonly to?: string | undefined
  /** PEM: the only certificate that is trusted. */
  readonly certificate?: string | undefined
  readonly secret: string
}

/** Where a request for `/<endpoint>/…` goes. */
export interface Route {
  readonly endpoint: string
  readonly address: Address | Tunnel | undefined
  readonly revision: string
  readonly model: string | undefined
  readonly state: string
  readonly organisation: string
}

/** The endpoints as the gateway needs them: from memory, at once. */
export interface Endpoints {
  route(name: string): Route | undefined
}

export interface Limits {
  /** Of this host: what its own worker is taken to have before it was heard of. */
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
}

export interface Settings {
  readonly host: string
  readonly port: number
  /** Data folder: ledger.sqlite, store/, logs/, worker/. */
  readonly data: string
  readonly runner: 'process' | 'docker' | 'kubernetes'
  readonly dockerSocket: string | undefined
  /** Where the Docker Engine is, if the runner is Docker. */
  readonly engine?: Engine
  /** Handed to every image build as BASE_IMAGE, when set (KAOS_BASE_IMAGE). */
  readonly baseImage: string | undefined
  /** Whether the server starts a worker of its own. */
  readonly worker: boolean
  /** Trials and builds at once on this host. */
  readonly slots: number
  /** What its own worker carries. */
  readonly labels: readonly string[]
  /** Networks, addresses and names that manifests may name although they are not public. */
  readonly ingestAllow: readonly string[]
  readonly readyTimeoutMs: number
  readonly leaseMs: number
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly behindProxy: boolean
  /** Whether other servers may use the same ledger and store. */
  readonly shared: boolean
  /** One local administrator without a token: loopback and not behind a proxy. */
  readonly local: boolean
  /** The Neo4j that holds the ledger; a SQLite file in the data folder when there is none. */
  readonly neo4j:
    | {
        readonly url: string
        readonly user: string
        readonly password: string
        readonly database?: string
      }
    | undefined
  /** The bucket that holds the store; a folder in the data folder when there is none. */
  readonly s3?:
    | {
        readonly endpoint: string
        readonly bucket: string
        readonly accessKey: string
        readonly secretKey: string
        readonly region: string
      }
    | undefined
  /** The Redis that carries wake-ups between servers and queues them; absent: in process. */
  readonly redis?: string | undefined
  /** A token that the operator gives; who holds it is an administrator (people/given.ts). */
  readonly adminToken?: string | undefined
  /** The token of a worker that the operator gives, and where its services are called. */
  readonly enrol?: { readonly token: string; readonly address: string | undefined } | undefined
  /** Where an event goes for each job that has ended (OpenLineage); absent: nowhere. */
  readonly openLineage?: { readonly url: string; readonly apiKey: string | undefined } | undefined
  /** File with the key that secrets in the ledger are sealed under; made in the data folder when none
   * is given. */
  readonly secretKeyFile: string | undefined
  /** Base URL that users type, without a slash at the end. */
  readonly publicUrl: string | undefined
  /** Days in which every stored byte is read once, to find damage; 0: never. */
  readonly scrubDays: number
  /** Room of the data folder's volume that writes must leave: the larger of both counts. */
  readonly reserve: { readonly share: number; readonly bytes: number }
  /** Which lines of the log are written, and whether to the file in the data folder. */
  readonly logging: { readonly level: LogLevel; readonly to: 'file' | 'stderr' }
  /** Where the server turns callers away; 0: nowhere. */
  readonly bounds: Bounds
}

export interface Bounds {
  /** Of one token, or of one address where there is none. */
  readonly requestsPerSecond: number
  /** Bodies that are streams, at once. */
  readonly uploads: number
  /** Heap and buffers. */
  readonly memoryBytes: number
  /** How late the event loop may be for a second. */
  readonly lagMs: number
}

export interface Parts {
  readonly settings: Settings
  readonly ledger: Ledger
  readonly store: Store
  readonly people: People
  readonly workspaces: Workspaces
  readonly transfer: Transfer
  readonly intake: Intake
  readonly presence: Presence
  readonly quotas: Quotas
  /** The installation's own, for what the server itself attests. */
  readonly keys: Pick<Keys, 'current' | 'list'>
  readonly proofs: LedgerProofs
  /** What opens the forwarder of a worker for this attempt alone. */
  secretOf(attempt: string): string
  /** Finds the parts of ModelKits. */
  readonly partOf?: PartOf
  readonly limits: Limits
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Starts with JSON lines; never holds a token. */
  readonly log: (level: LogLevel, message: string, fields?: object) => void
  /** What is told as it happens. */
  readonly metrics: Counted
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Takes down that a call was refused for want of a right; of any other error nothing. For whoever
     * tells errors in a form of its own. */
    denied(error: KaosError, request: FastifyRequest): Promise<void>
  }
  interface FastifyRequest {
    /** Set by the auth plugin before any handler. */
    actor: Actor
    /** Record in which a change with an Idempotency-Key notes what it made, in its own commit. */
    once?: string
  }
  interface FastifyContextConfig {
    /** Who may call the route. The server refuses to boot if a route lacks it. */
    scope?: Scope
    /** The answer holds a secret and is never kept, not even for a repetition of the call. */
    secret?: boolean
    /** The body is a stream of bytes, read by the handler; it is bounded there. */
    stream?: boolean
  }
}

/** Decides everywhere. Throws AUTHORIZATION_FAILURE (401) for an anonymous actor, NOT_PERMITTED (403)
 * when the actor may see the target but not do this. */
export type Authorize = (
  actor: Actor,
  action: Scope,
  target: { organisation?: string; attempt?: string; repository?: string },
) => void

export type Request = FastifyRequest
