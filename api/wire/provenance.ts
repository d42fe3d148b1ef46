import Type, { type Static } from 'typebox'
import { FileChange } from './catalogue.ts'
import { At, Nullable, Optional } from './common.ts'

const Metric = Type.Union([Type.Number(), Type.String()])
const Metrics = Type.Record(Type.String(), Metric)

/** Something in the graph, as people name it. */
export const ProvNode = Type.Object(
  {
    id: Type.String(),
    class: Type.Union([Type.Literal('entity'), Type.Literal('activity'), Type.Literal('agent')]),
    kind: Type.String(),
    /** `features@v2`, `e23a2_9fd9d:b82151`, a job's id, an endpoint, somebody's name. */
    name: Type.String(),
    digest: Nullable(Type.String()),
    at: At,
    author: Nullable(Type.String()),
    /** How an activity ended, where it has ended. */
    state: Nullable(Type.String()),
    metrics: Optional(Metrics),
    /** Why its content is quarantined. */
    quarantined: Optional(Type.String()),
  },
  { title: 'ProvNode' },
)
export type ProvNode = Static<typeof ProvNode>

/** Points upstream: from what came later to what it came from. */
export const ProvEdge = Type.Object(
  {
    from: Type.String(),
    relation: Type.String(),
    to: Type.String(),
    role: Nullable(Type.String()),
  },
  { title: 'ProvEdge' },
)
export type ProvEdge = Static<typeof ProvEdge>

export const DirectionSchema = Type.Union([Type.Literal('up'), Type.Literal('down')])

/** GET /workspaces/:ws/provenance?id=&direction=&depth=&asOf=&limit=: what something came from (up)
 * or what came from it (down), the nearest first. `id` is any name that a person has of it; `asOf` a
 * statement's number or a time. …/provenance/document?id=&format=pdf,svg,png,dot,json,prov has the same as
 * a file. */
export const ProvenanceView = Type.Object(
  {
    /** Where it begins. */
    of: Type.String(),
    direction: DirectionSchema,
    /** Number of the last statement that was looked at; null: all of them. */
    asOf: Nullable(Type.Integer()),
    nodes: Type.Array(ProvNode),
    edges: Type.Array(ProvEdge),
    truncated: Type.Boolean(),
  },
  { title: 'Provenance' },
)
export type ProvenanceView = Static<typeof ProvenanceView>

export const ImpactJob = Type.Object(
  {
    job: Type.String(),
    kind: Type.String(),
    at: At,
    author: Nullable(Type.String()),
    state: Nullable(Type.String()),
  },
  { title: 'ImpactJob' },
)
export type ImpactJob = Static<typeof ImpactJob>

export const ImpactTag = Type.Object(
  {
    repository: Type.String(),
    tag: Type.String(),
    entity: Type.String(),
    at: At,
  },
  { title: 'ImpactTag' },
)

export const ImpactEndpoint = Type.Object(
  {
    name: Type.String(),
    revision: Type.String(),
    /** Null for one that is gone and of which nothing is known any more. */
    state: Nullable(Type.String()),
    /** It takes calls, or will. */
    running: Type.Boolean(),
    at: At,
  },
  { title: 'ImpactEndpoint' },
)
export type ImpactEndpoint = Static<typeof ImpactEndpoint>

/** GET /workspaces/:ws/provenance/impact?id=&limit=&cursor=: what came from something, also through
 * equal content. Tags and endpoints are all on the first page. */
export const ImpactView = Type.Object(
  {
    of: ProvNode,
    /** Others of the same content, from which it came as well. */
    same: Type.Array(ProvNode),
    jobs: Type.Array(ImpactJob),
    models: Type.Array(ProvNode),
    /** Data sets, sources, images and ModelKits that were made of it. */
    others: Type.Array(ProvNode),
    tags: Type.Array(ImpactTag),
    endpoints: Type.Array(ImpactEndpoint),
    /** Of the whole answer, whatever is on this page. */
    counts: Type.Object({
      jobs: Type.Integer(),
      models: Type.Integer(),
      others: Type.Integer(),
      tags: Type.Integer(),
      endpoints: Type.Integer(),
    }),
    /** There is more than was looked at. */
    truncated: Type.Boolean(),
    next: Nullable(Type.String()),
  },
  { title: 'Impact' },
)
export type ImpactView = Static<typeof ImpactView>

/** One input in which two things differ. */
export const DifferingInput = Type.Object(
  {
    /** `code`, `data`, `hyperparams`, `image`, `base`, `packages`, `environment`, `resources`, … */
    role: Type.String(),
    /** What each had; null: none. */
    a: Nullable(Type.String()),
    b: Nullable(Type.String()),
    /** What is odd about it: it was made of the same inputs. */
    note: Optional(Type.String()),
    /** Through what it differs: `image`, when the code of the image differs. */
    through: Type.Array(Type.String()),
  },
  { title: 'DifferingInput' },
)
export type DifferingInput = Static<typeof DifferingInput>

/** A value that stands beside others under a name. */
export const Changed = Type.Object(
  { name: Type.String(), a: Nullable(Type.String()), b: Nullable(Type.String()) },
  { title: 'Changed' },
)
export type Changed = Static<typeof Changed>

export const CodeChange = Type.Object(
  {
    ...FileChange.properties,
    /** Unified; null for what is no text or too long. */
    diff: Nullable(Type.String()),
  },
  { title: 'CodeChange' },
)
export type CodeChange = Static<typeof CodeChange>

const Amount = Type.Object({ files: Type.Integer(), bytes: Type.Integer() })
export const FolderDifference = Type.Object(
  {
    role: Type.String(),
    a: Type.String(),
    b: Type.String(),
    added: Amount,
    removed: Amount,
    /** Bytes that they have now. */
    changed: Amount,
    /** The first of them by path. */
    files: Type.Array(FileChange),
    /** More files differ than were counted. */
    truncated: Type.Boolean(),
  },
  { title: 'FolderDifference' },
)
export type FolderDifference = Static<typeof FolderDifference>

export const MetricDelta = Type.Object(
  {
    name: Type.String(),
    a: Nullable(Metric),
    b: Nullable(Metric),
    /** b - a, where both are numbers. */
    delta: Nullable(Type.Number()),
  },
  { title: 'MetricDelta' },
)
export type MetricDelta = Static<typeof MetricDelta>

/** GET /workspaces/:ws/provenance/why?a=&b=: why two models differ. */
export const WhyView = Type.Object(
  {
    a: ProvNode,
    b: ProvNode,
    /** They are the same bytes. */
    same: Type.Boolean(),
    /** The smallest set: an input that differs only because its own inputs do is not in it. */
    inputs: Type.Array(DifferingInput),
    /** Roles in which both had the same. */
    equal: Type.Array(Type.String()),
    code: Type.Array(
      Type.Object({
        role: Type.String(),
        a: Type.String(),
        b: Type.String(),
        files: Type.Array(CodeChange),
        truncated: Type.Boolean(),
      }),
    ),
    data: Type.Array(FolderDifference),
    packages: Type.Array(Changed),
    environment: Type.Array(Changed),
    hyperparams: Type.Array(Changed),
    metrics: Type.Array(MetricDelta),
  },
  { title: 'Why' },
)
export type WhyView = Static<typeof WhyView>

/** GET /workspaces/:ws/provenance/search?kind=&author=&since=&until=&metric=&text=&tag=&limit=&cursor=,
 * newest first. */
export const FoundNode = Type.Object(
  { ...ProvNode.properties, tags: Type.Array(Type.String()) },
  { title: 'Found' },
)
export type FoundNode = Static<typeof FoundNode>
export const SearchView = Type.Object(
  {
    results: Type.Array(FoundNode),
    /** The page may be short, or empty, and there is more. */
    next: Nullable(Type.String()),
  },
  { title: 'SearchResults' },
)
export type SearchView = Static<typeof SearchView>

/** GET /workspaces/:ws/provenance/experiments?job=&metric=: trainings, each below the one that it came
 * from. */
export const Experiment = Type.Object(
  {
    job: Type.String(),
    at: At,
    author: Nullable(Type.String()),
    state: Type.String(),
    code: Nullable(Type.String()),
    data: Nullable(Type.String()),
    grid: Nullable(Type.String()),
    trials: Type.Integer(),
    /** The best of its trials, where a metric was asked for. */
    best: Nullable(Type.Number()),
    parent: Nullable(Type.String()),
    /** `said`: it was checked out from there; `alike`: an earlier one with the same code or data. */
    link: Nullable(Type.Union([Type.Literal('said'), Type.Literal('alike')])),
    /** In which inputs it differs from its parent. */
    differs: Type.Array(Changed),
  },
  { title: 'Experiment' },
)
export type Experiment = Static<typeof Experiment>
export const ExperimentsView = Type.Object(
  { experiments: Type.Array(Experiment), truncated: Type.Boolean() },
  { title: 'Experiments' },
)
export type ExperimentsView = Static<typeof ExperimentsView>
