/* The attempts API: the one way in which a worker learns of work and reports on it (seam 3). Paths
 * below /api/v1/attempts. The worker holds a worker token (scope `worker`) for `claim`, and for all
 * else the token of the attempt (scope `attempt`), which comes with the claim.
 *
 *   POST enrol                     Enrolment -> Enrolled: the key that the worker signs with
 *   POST claim                     Claim -> 200 WorkOrder | 204 nothing within waitMs
 *   POST :attempt/renew            Renewal -> Lease
 *   POST :attempt/log?offset=n     raw bytes -> LogReceipt; offset = bytes acknowledged before
 *   POST :attempt/measurements?offset=n   the same for JSON lines, a Measurement each
 *   POST :attempt/metrics?offset=n        the same for JSON lines, a MetricPoint each
 *   POST :attempt/have, objects    the transfer protocol (api/transfer.ts)
 *   GET  :attempt/trees/:digest    the transfer protocol, whole or in parts; only trees that the order names
 *   POST :attempt/report           Report -> 200 {}; the same report again is 200 as well
 *
 * Every call of an attempt that is not the current one of its work is 409 ATTEMPT_STALE and changes
 * nothing: the worker then stops what it runs and forgets it. */
import Type, { type Static } from 'typebox'
import { Envelope } from './attestation.ts'
import { DigestSchema } from './digest-schema.ts'
import { Measurement } from './measurements.ts'
import { LABELS_MAX, Label, WorkerAbout } from './workers.ts'

const Id = Type.String({ pattern: '^[0-9a-f]{32}$' })
const At = Type.String({ format: 'date-time' })

export const Resources = Type.Object(
  {
    /** Cores; a fraction is allowed. Request = limit. */
    cpu: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    memoryBytes: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Whole devices. */
    gpu: Type.Optional(Type.Integer({ minimum: 0 })),
    /** What the worker must carry, all of them. */
    labels: Type.Optional(Type.Array(Label, { maxItems: LABELS_MAX })),
  },
  { title: 'Resources' },
)
export type Resources = Static<typeof Resources>

/** What a build made and what a run starts from. `oci`: an OCI image layout as a tree, pinned by
 * manifest digest. `environment`: interpreter and locked packages for the process runner. */
export const Image = Type.Object(
  {
    /** `build-train-mnist:e23a2` */
    name: Type.String(),
    kind: Type.Union([Type.Literal('oci'), Type.Literal('environment')]),
    /** oci: the image layout. environment: a folder with environment.json and requirements.lock. */
    tree: DigestSchema,
    /** oci: digest of the image manifest. */
    manifest: Type.Optional(DigestSchema),
    /** The bundle's `model/` folder, which the process runner shows at /opt/program. */
    program: DigestSchema,
    /** Relaxations the bundle declared (LABEL kaos.network=on, kaos.user=root …). */
    labels: Type.Record(Type.String(), Type.String()),
  },
  { title: 'Image' },
)
export type Image = Static<typeof Image>

export const BuildWork = Type.Object({
  kind: Type.Literal('build'),
  purpose: Type.Union([Type.Literal('train'), Type.Literal('serve')]),
  /** Name the image gets: `build-train-mnist:e23a2`. */
  image: Type.String(),
  /** Bundle: one folder that holds Dockerfile and model/. */
  source: DigestSchema,
  folder: Type.String(),
  /** The `model/` folder below it. */
  program: DigestSchema,
  buildArgs: Type.Record(Type.String(), Type.String()),
  /** Resolve the packages anew, also where the same requirements were resolved before. */
  fresh: Type.Optional(Type.Boolean()),
})
export type BuildWork = Static<typeof BuildWork>

export const TrialWork = Type.Object({
  kind: Type.Literal('trial'),
  image: Image,
  /** Shown at /pfs/data/<name>, read-only. The tree is that of the folder inside the bundle. */
  data: Type.Array(Type.Object({ name: Type.String(), tree: DigestSchema })),
  /** A grid point: file at /pfs/hyper/<hash>/<file>; absent: /pfs/hyper/params.null holds {}. */
  hyper: Type.Optional(
    Type.Object({
      hash: Type.String(),
      file: Type.String(),
      values: Type.Record(Type.String(), Type.Unknown()),
      /** What the file holds: the values as they were written, 1.0 and not 1. */
      text: Type.Optional(Type.String()),
    }),
  ),
  /** Six hex digits: the program is given /pfs/out/<output>. */
  output: Type.String({ pattern: '^[0-9a-f]{6}$' }),
  /** What the model will be called, and the bundle that the image was built from: for the statement
   * that the worker signs. */
  model: Type.Optional(Type.String()),
  source: Type.Optional(Type.Object({ name: Type.String(), tree: DigestSchema })),
  resources: Resources,
  /** Of a replay that looks for a cause: where random numbers and clocks begin, for Python. */
  forced: Type.Optional(
    Type.Object({ seed: Type.Integer({ minimum: 0, maximum: 4294967295 }), clock: At }),
  ),
})
export type TrialWork = Static<typeof TrialWork>

export const ServiceWork = Type.Object({
  kind: Type.Literal('service'),
  image: Image,
  endpoint: Type.String(),
  resources: Resources,
  /** The service must answer HTTP (any status) within this time of its start. */
  readyTimeoutMs: Type.Integer({ minimum: 1 }),
})
export type ServiceWork = Static<typeof ServiceWork>

export const IngestWork = Type.Object({
  kind: Type.Literal('ingest'),
  /** A folder with one file: the manifest's text (api/manifest.ts). */
  manifest: DigestSchema,
  /** Lines in it. */
  total: Type.Integer({ minimum: 1 }),
  /** Networks (CIDR), addresses and names that may be fetched from although they are not public. */
  allow: Type.Array(Type.String()),
  limits: Type.Object({
    fileBytes: Type.Integer({ minimum: 1 }),
    totalBytes: Type.Integer({ minimum: 1 }),
    fileMs: Type.Integer({ minimum: 1 }),
    totalMs: Type.Integer({ minimum: 1 }),
    /** Without a byte. */
    silenceMs: Type.Integer({ minimum: 1 }),
  }),
})
export type IngestWork = Static<typeof IngestWork>
/** Name of the file in the folder `manifest`. */
export const MANIFEST_FILE = 'manifest.jsonl'

export const Claim = Type.Object(
  {
    worker: Type.String({ minLength: 1, maxLength: 128 }),
    runner: Type.String(),
    kinds: Type.Array(Type.String()),
    /** Answer 204 after this long without work. */
    waitMs: Type.Integer({ minimum: 0, maximum: 30000 }),
    /** The enrolled key that it will sign with. */
    kid: Type.Optional(Type.String({ maxLength: 64 })),
    /** What it has. A worker that does not say is given what needs no label. */
    about: Type.Optional(WorkerAbout),
  },
  { title: 'Claim' },
)
export type Claim = Static<typeof Claim>

export const WorkOrder = Type.Object(
  {
    attempt: Id,
    /** 1 for the first try. Also the fencing token's public half. */
    number: Type.Integer({ minimum: 1 }),
    /** Bearer token of this attempt. Never logged. */
    token: Type.String(),
    leaseMs: Type.Integer(),
    workspace: Type.String(),
    /** Whose work it is; older servers do not say. */
    organisation: Type.Optional(Type.String()),
    job: Id,
    work: Type.Union([BuildWork, TrialWork, ServiceWork, IngestWork]),
    /** Of a service: what callers must know to be let through by the worker's forwarder. */
    secret: Type.Optional(Type.String()),
    /** What comes of it counts only with a signed statement (api/job-statement.ts). */
    signing: Type.Optional(
      Type.Object({ installation: Type.String(), agent: Type.String(), runner: Type.String() }),
    ),
    /** W3C Trace Context, of the call that asked for the work. */
    traceparent: Type.Optional(Type.String()),
  },
  { title: 'WorkOrder' },
)
export type WorkOrder = Static<typeof WorkOrder>

/** Where a service listens, as seen from its worker. */
export const Address = Type.Union([
  Type.Object({ host: Type.String(), port: Type.Integer() }),
  Type.Object({ socket: Type.String() }),
])
export type Address = Static<typeof Address>

/** How the server reaches it: there, on its own host, or through the forwarder of its worker. */
export const Reach = Type.Union([...Address.anyOf, Type.Object({ forwarder: Type.String() })])
export type Reach = Static<typeof Reach>

export const PHASES = ['preparing', 'running', 'collecting', 'serving', 'restarting'] as const

/** How far an ingestion is, in files. */
export const Progress = Type.Object({
  done: Type.Integer({ minimum: 0 }),
  failed: Type.Integer({ minimum: 0 }),
  skipped: Type.Integer({ minimum: 0 }),
  total: Type.Integer({ minimum: 0 }),
})
export type Progress = Static<typeof Progress>

export const Renewal = Type.Object(
  {
    // A union over a mapped list has no static type of its own.
    phase: Type.Unsafe<(typeof PHASES)[number]>(
      Type.Union(PHASES.map(phase => Type.Literal(phase))),
    ),
    /** With phase `serving`. */
    address: Type.Optional(Reach),
    startedAt: Type.Optional(At),
    measurement: Type.Optional(Measurement),
    /** Of an ingestion. */
    progress: Type.Optional(Progress),
    /** With phase `preparing`: why its program does not run yet. */
    waiting: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  { title: 'Renewal' },
)
export type Renewal = Static<typeof Renewal>

export const Lease = Type.Object(
  {
    /** Renew well before this has passed. */
    leaseMs: Type.Integer(),
    /** Somebody killed the job or the endpoint: stop, then report `stopped`. */
    stop: Type.Boolean(),
  },
  { title: 'Lease' },
)
export type Lease = Static<typeof Lease>

export const LogReceipt = Type.Object({ offset: Type.Integer() }, { title: 'LogReceipt' })
export type LogReceipt = Static<typeof LogReceipt>

/** What the program ran in, captured and not asserted: interpreter, packages, OS, kernel, CPU, GPU,
 * image and base image digests, seeds. Free-form but flat enough to read. */
export const Environment = Type.Record(Type.String(), Type.Unknown())
export type Environment = Static<typeof Environment>

export const Report = Type.Object(
  {
    state: Type.Union([
      Type.Literal('succeeded'),
      /** The program's own failure: exit code, build error, never ready. Not tried again. */
      Type.Literal('failed'),
      Type.Literal('stopped'),
      /** The runner's failure: tried again, three attempts at most. */
      Type.Literal('lost'),
    ]),
    exit: Type.Optional(Type.Integer()),
    /** One sentence for people: "the training ended with exit code 1". */
    reason: Type.Optional(Type.String({ maxLength: 4000 })),
    outOfMemory: Type.Optional(Type.Boolean()),
    startedAt: At,
    finishedAt: At,
    /** The log as a stored file (digest of its chunk list), already in the store. */
    log: Type.Optional(Type.Object({ digest: DigestSchema, size: Type.Integer() })),
    /** trial: what it used while it ran, a stored file of JSON lines (Measurement), by time. */
    measurements: Type.Optional(Type.Object({ digest: DigestSchema, size: Type.Integer() })),
    /** trial: the metrics it said while it ran, the same way (MetricPoint). */
    metrics: Type.Optional(Type.Object({ digest: DigestSchema, size: Type.Integer() })),
    /** trial: what the program wrote into its output folder. ingest: the files that were fetched. */
    output: Type.Optional(DigestSchema),
    /** ingest: a stored file of JSON lines {url, path, sha256, size}, in the manifest's order. */
    fetched: Type.Optional(Type.Object({ digest: DigestSchema, size: Type.Integer() })),
    /** ingest: how far it came. */
    progress: Type.Optional(Progress),
    /** build: what was made. */
    image: Type.Optional(Image),
    environment: Type.Optional(Environment),
    usage: Type.Optional(Measurement),
    warnings: Type.Optional(Type.Array(Type.String())),
    /** The worker's signed statement of all this, where the order asks for one. */
    attestation: Type.Optional(Envelope),
  },
  { title: 'Report' },
)
export type Report = Static<typeof Report>
