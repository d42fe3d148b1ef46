import Type, { type Static } from 'typebox'
import { At, Nullable, Optional } from './common.ts'

const Count = Type.Integer({ minimum: 0 })
const Amount = Type.Object({ objects: Count, bytes: Count }, { title: 'Amount' })

/** POST /admin/gc -> 202 GcRun; GET /admin/gc -> {run}: the one that runs, or the last. */
export const GcRequest = Type.Object(
  {
    dryRun: Optional(Type.Boolean()),
    /** What is younger stays. Default 3600. */
    graceSeconds: Optional(Type.Integer({ minimum: 0, maximum: 10 * 366 * 24 * 3600 })),
  },
  { title: 'GcRequest' },
)
export type GcRequest = Static<typeof GcRequest>

export const GcRun = Type.Object(
  {
    run: Type.String(),
    state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    /** marking, condemning, looking again, removing, compacting; then where it ended. */
    phase: Type.String(),
    /** Things looked at in this phase. */
    seen: Count,
    dryRun: Type.Boolean(),
    graceSeconds: Count,
    by: Type.String(),
    startedAt: At,
    finishedAt: Nullable(At),
    /** What is kept. */
    kept: Amount,
    /** What goes, or (dry run) would go. */
    going: Amount,
    /** Of that what was written or named again meanwhile, and stays. */
    spared: Count,
    /** Given back to the disk; the rest comes when its packs are mostly empty. */
    freedBytes: Count,
    /** Records that led to nothing any more. */
    pruned: Type.Object({ blobs: Count, remotes: Count, sessions: Count }),
    /** workspace null: it never became anything. */
    workspaces: Type.Array(
      Type.Object({
        workspace: Nullable(Type.String()),
        entities: Count,
        objects: Count,
        bytes: Count,
      }),
    ),
    /** The first 100 whose content goes. */
    entities: Type.Array(
      Type.Object({
        entity: Type.String(),
        kind: Type.String(),
        name: Type.String(),
        workspace: Nullable(Type.String()),
        bytes: Count,
      }),
    ),
    /** The first 100 objects that go. */
    first: Type.Array(Type.Object({ digest: Type.String(), size: Count })),
    error: Nullable(Type.String()),
  },
  { title: 'GcRun' },
)
export type GcRun = Static<typeof GcRun>

/** POST /admin/fsck {resume?} -> 202 FsckRun; GET /admin/fsck -> {run, scrub}. */
export const FsckRequest = Type.Object(
  { resume: Optional(Type.Boolean()) },
  { title: 'FsckRequest' },
)
export type FsckRequest = Static<typeof FsckRequest>

export const Affected = Type.Object(
  {
    entity: Type.String(),
    kind: Type.String(),
    name: Type.String(),
    workspace: Nullable(Type.String()),
    /** `features@v3`, `tag features:clean`. */
    places: Type.Array(Type.String()),
    jobs: Type.Array(Type.String()),
    endpoints: Type.Array(Type.String()),
    /** What brings the bytes back. */
    heal: Type.String(),
  },
  { title: 'Affected' },
)
export type Affected = Static<typeof Affected>

export const Finding = Type.Object(
  {
    digest: Type.String(),
    reason: Type.String(),
    /** How many entities need it; the first are named. */
    affects: Count,
    entities: Type.Array(Type.String()),
  },
  { title: 'Finding' },
)
export type Finding = Static<typeof Finding>

export const FsckRun = Type.Object(
  {
    run: Type.String(),
    /** stopped: broken off; --resume goes on. */
    state: Type.Union([
      Type.Literal('running'),
      Type.Literal('stopped'),
      Type.Literal('clean'),
      Type.Literal('damaged'),
      Type.Literal('failed'),
    ]),
    phase: Type.String(),
    by: Type.String(),
    startedAt: At,
    finishedAt: Nullable(At),
    bytes: Count,
    totalBytes: Count,
    entities: Count,
    /** Damaged or missing objects; the first 200 are told. */
    found: Count,
    findings: Type.Array(Finding),
    /** Everything that the findings name, at most 200. */
    affected: Type.Array(Affected),
    /** The store's own files that were damaged, at most 200: made anew at once, a pack by the next
     * collection. That costs no object. */
    files: Optional(Type.Array(Type.Object({ file: Type.String(), reason: Type.String() }))),
    error: Nullable(Type.String()),
  },
  { title: 'FsckRun' },
)
export type FsckRun = Static<typeof FsckRun>

/** The slow reading of everything, over days. */
export const ScrubView = Type.Object(
  {
    days: Count,
    startedAt: Nullable(At),
    finishedAt: Nullable(At),
    bytes: Count,
    found: Count,
  },
  { title: 'Scrub' },
)
export type ScrubView = Static<typeof ScrubView>

/** POST /admin/purge -> 201. */
export const PurgeRequest = Type.Object(
  {
    workspace: Type.String(),
    /** A name as it is typed anywhere, or the id of an entity. */
    reference: Type.String({ minLength: 1, maxLength: 1024 }),
    reason: Type.String({ minLength: 1, maxLength: 1000 }),
  },
  { title: 'PurgeRequest' },
)
export type PurgeRequest = Static<typeof PurgeRequest>

export const PurgeView = Type.Object(
  {
    entity: Type.String(),
    kind: Type.String(),
    name: Type.String(),
    digest: Type.String(),
    by: Type.String(),
    at: At,
    reason: Type.String(),
    /** Whose content shares bytes with it, which stay: how many, and the first 20. */
    shared: Type.Object({ entities: Count, first: Type.Array(Type.String()) }),
  },
  { title: 'Purge' },
)
export type PurgeView = Static<typeof PurgeView>

/** GET /admin/stats?workspace=&fresh= */
export const StatsView = Type.Object(
  {
    /** When the entities were counted last. The store's own figures are of now. */
    countedAt: At,
    entities: Count,
    logicalBytes: Count,
    storedBytes: Count,
    savedBytes: Count,
    objects: Count,
    packs: Nullable(Count),
    deadBytes: Nullable(Count),
    freeBytes: Nullable(Count),
    damaged: Count,
    workspaces: Type.Array(
      Type.Object({
        workspace: Nullable(Type.String()),
        entities: Count,
        logicalBytes: Count,
        storedBytes: Count,
        quotaBytes: Nullable(Count),
      }),
    ),
  },
  { title: 'Stats' },
)
export type StatsView = Static<typeof StatsView>

/** /admin/quotas: GET {quotas}; POST QuotaRequest -> QuotaView; DELETE /admin/quotas/:ws -> 204. */
export const QuotaRequest = Type.Object(
  { workspace: Type.String(), bytes: Type.Integer({ minimum: 0, maximum: 2 ** 50 }) },
  { title: 'QuotaRequest' },
)
export type QuotaRequest = Static<typeof QuotaRequest>

export const QuotaView = Type.Object(
  { workspace: Type.String(), bytes: Count, usedBytes: Count, heldBytes: Count },
  { title: 'Quota' },
)
export type QuotaView = Static<typeof QuotaView>
