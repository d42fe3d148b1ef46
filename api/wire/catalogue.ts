import Type, { type Static } from 'typebox'
import { DigestSchema } from '../digest-schema.ts'
import { At, Nullable, Optional } from './common.ts'

/** What a person says of a repository. */
const Texts = {
  title: Type.String({ maxLength: 200 }),
  description: Type.String({ maxLength: 10_000 }),
  licence: Type.String({ maxLength: 200 }),
  keywords: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 64 }),
}
/** Only what is given is changed; an empty text or list takes it away. */
export const AboutChange = Type.Object(
  {
    title: Optional(Texts.title),
    description: Optional(Texts.description),
    licence: Optional(Texts.licence),
    keywords: Optional(Texts.keywords),
  },
  { title: 'AboutChange' },
)
export type AboutChange = Static<typeof AboutChange>
export const About = Type.Object({ ...Texts, author: Type.String(), at: At }, { title: 'About' })
export type About = Static<typeof About>

/** POST /workspaces/:ws/repositories -> 201 a new version, 200 unchanged: the newest has this content.
 * Tags that are given move in either case. */
export const PushRequest = Type.Object(
  {
    upload: Type.String(),
    kind: Type.Union([Type.Literal('data'), Type.Literal('model')]),
    /** Name of the folder that was sent. */
    folder: Type.String({ minLength: 1, maxLength: 255 }),
    /** Absent: made of the folder's name. */
    repository: Optional(Type.String({ maxLength: 255 })),
    tree: DigestSchema,
    tags: Optional(Type.Array(Type.String(), { maxItems: 64 })),
    /** What it was made from, by any name; absent: the newest version. */
    from: Optional(Type.String({ maxLength: 512 })),
    message: Optional(Type.String({ maxLength: 4000 })),
    about: Optional(AboutChange),
  },
  { title: 'PushRequest' },
)
export type PushRequest = Static<typeof PushRequest>

/** Something that another was made from: `features@v2`, or its short id. */
const Source = Type.Object({
  entity: Type.String(),
  kind: Type.String(),
  reference: Type.String(),
  /** `revision`, `code`, `data`, `manifest`, … */
  role: Nullable(Type.String()),
})
/** How it came to be, and the job that did it. */
export const Origin = Type.Object(
  {
    how: Type.Union([
      Type.Literal('pushed'),
      Type.Literal('trained'),
      Type.Literal('fetched'),
      Type.Literal('built'),
      Type.Literal('derived'),
    ]),
    job: Nullable(Type.String()),
    from: Type.Array(Source),
  },
  { title: 'Origin' },
)
export type Origin = Static<typeof Origin>

export const VersionView = Type.Object(
  {
    repository: Type.String(),
    version: Type.Integer(),
    /** `features@v3` */
    reference: Type.String(),
    /** data, model, artifact, image */
    kind: Type.String(),
    entity: Type.String(),
    /** `features:9fd9d`, `e23a2_9fd9d:b82151` */
    name: Type.String(),
    tree: Nullable(DigestSchema),
    files: Nullable(Type.Integer()),
    bytes: Type.Integer(),
    tags: Type.Array(Type.String()),
    /** Who made it a version, and when. */
    author: Type.String(),
    at: At,
    message: Nullable(Type.String()),
    origin: Origin,
  },
  { title: 'Version' },
)
export type VersionView = Static<typeof VersionView>
export const PushView = Type.Object(
  {
    version: VersionView,
    unchanged: Type.Boolean(),
    /** Tags that this call moved. */
    moved: Type.Array(Type.String()),
    /** What of its metrics could not be read. */
    warnings: Type.Array(Type.String()),
  },
  { title: 'Pushed' },
)
export type PushView = Static<typeof PushView>

/** GET /workspaces/:ws/repositories?kind=data,model&cursor=&limit=, by name. */
export const RepositoryRow = Type.Object(
  {
    name: Type.String(),
    kind: Type.String(),
    newest: Type.Integer(),
    entity: Type.String(),
    tags: Type.Array(Type.String()),
    files: Nullable(Type.Integer()),
    bytes: Type.Integer(),
    author: Type.String(),
    at: At,
    title: Type.String(),
  },
  { title: 'RepositoryRow' },
)
export type RepositoryRow = Static<typeof RepositoryRow>
export const RepositoryList = Type.Object(
  { repositories: Type.Array(RepositoryRow), next: Nullable(Type.String()) },
  { title: 'RepositoryList' },
)
export type RepositoryList = Static<typeof RepositoryList>

/** GET /workspaces/:ws/repositories/:repository */
export const RepositoryView = Type.Object(
  {
    name: Type.String(),
    kind: Type.String(),
    newest: Nullable(Type.Integer()),
    tags: Type.Array(
      Type.Object({
        tag: Type.String(),
        /** Null: it stands at something that is no version any more. */
        version: Nullable(Type.Integer()),
        entity: Type.String(),
        at: At,
      }),
    ),
    about: Nullable(About),
  },
  { title: 'Repository' },
)
export type RepositoryView = Static<typeof RepositoryView>

/** GET /workspaces/:ws/repositories/:repository/versions?cursor=&limit=, newest first. */
export const VersionList = Type.Object(
  { versions: Type.Array(VersionView), next: Nullable(Type.String()) },
  { title: 'VersionList' },
)
export type VersionList = Static<typeof VersionList>

/** POST /workspaces/:ws/repositories/:repository/tags: what is named becomes a version of the repository if
 * it is none, and the tags move to it. DELETE …/tags/:tag takes one away. */
export const TagRequest = Type.Object(
  {
    reference: Type.String({ maxLength: 512 }),
    /** What the reference may name; absent: data, model, artifact or image. */
    kind: Optional(Type.String()),
    tags: Type.Array(Type.String(), { minItems: 1, maxItems: 64 }),
  },
  { title: 'TagRequest' },
)
export type TagRequest = Static<typeof TagRequest>
export const TagView = Type.Object(
  { version: VersionView, added: Type.Boolean(), moved: Type.Array(Type.String()) },
  { title: 'Tagged' },
)
export type TagView = Static<typeof TagView>

/** GET /workspaces/:ws/repositories/:repository/tags/:tag: where it stood, newest first. */
export const TagMove = Type.Object({
  at: At,
  author: Type.String(),
  /** `v2`, an entity's id, or null for nothing. */
  from: Nullable(Type.String()),
  to: Nullable(Type.String()),
})
export const TagHistory = Type.Object(
  { repository: Type.String(), tag: Type.String(), moves: Type.Array(TagMove) },
  { title: 'TagHistory' },
)
export type TagHistory = Static<typeof TagHistory>

/** DELETE /workspaces/:ws/repositories/:repository/versions/:version?force= -> 204; 409 IN_USE with what stands at
 * it. Pointers go, the fact stays, and so does what jobs used. */

const Placed = Type.Object({
  repository: Type.String(),
  version: Type.Integer(),
  tags: Type.Array(Type.String()),
  /** As docker, kit and oras take it: `host/mnist/features:v3`. */
  address: Type.String(),
})
/** GET /workspaces/:ws/entities?reference=&kind=data,model: anything, by any of its names. */
export const EntityView = Type.Object(
  {
    reference: Type.String(),
    kind: Type.String(),
    entity: Type.String(),
    name: Type.String(),
    /** Name of the folder that it becomes. */
    folder: Type.String(),
    tree: Nullable(DigestSchema),
    files: Nullable(Type.Integer()),
    bytes: Type.Integer(),
    author: Type.String(),
    at: At,
    message: Nullable(Type.String()),
    metrics: Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()])),
    origin: Origin,
    places: Type.Array(Placed),
    /** Of the first repository that it has a place in. */
    about: Nullable(About),
    /** The README of its root. */
    card: Nullable(Type.String()),
  },
  { title: 'Entity' },
)
export type EntityView = Static<typeof EntityView>

/** GET /workspaces/:ws/entities/:entity/parts: what can be fetched of it, by what it is to it. */
export const PartList = Type.Object(
  {
    parts: Type.Array(
      Type.Object({
        part: Type.Union([Type.Literal('code'), Type.Literal('data'), Type.Literal('model')]),
        entity: Type.String(),
        name: Type.String(),
        tree: DigestSchema,
        files: Type.Integer(),
        bytes: Type.Integer(),
      }),
    ),
  },
  { title: 'PartList' },
)
export type PartList = Static<typeof PartList>

/** GET /workspaces/:ws/diff?from=&to=&kind=&cursor=&limit=: files by path. */
export const FileChange = Type.Object({
  path: Type.String(),
  change: Type.Union([
    Type.Literal('added'),
    Type.Literal('removed'),
    Type.Literal('changed'),
    Type.Literal('mode'),
  ]),
  /** Bytes before and after. */
  before: Nullable(Type.Integer()),
  after: Nullable(Type.Integer()),
})
export type FileChange = Static<typeof FileChange>
export const DiffView = Type.Object(
  {
    from: Type.Object({ entity: Type.String(), reference: Type.String() }),
    to: Type.Object({ entity: Type.String(), reference: Type.String() }),
    changes: Type.Array(FileChange),
    next: Nullable(Type.String()),
  },
  { title: 'Diff' },
)
export type DiffView = Static<typeof DiffView>
