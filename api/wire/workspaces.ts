import Type, { type Static } from 'typebox'
import { DigestSchema } from '../digest-schema.ts'
import { At, Optional } from './common.ts'

/** GET /server (public part) */
export const ServerView = Type.Object(
  {
    name: Type.Literal('kaos'),
    version: Type.String(),
    /** Grows when old clients can no longer speak to it. */
    api: Type.Integer(),
    installation: Type.String(),
    runner: Type.String(),
    /** Whether a token is needed. */
    local: Type.Boolean(),
    /** Absent without a valid token. */
    actor: Optional(
      Type.Object({ id: Type.String(), name: Type.String(), scopes: Type.Array(Type.String()) }),
    ),
    parts: Optional(Type.Record(Type.String(), Type.String())),
    notes: Optional(Type.Array(Type.String())),
  },
  { title: 'Server' },
)
export type ServerView = Static<typeof ServerView>
export const API_VERSION = 1

/** GET /workspaces -> {workspaces}; POST /workspaces {name} -> 201; GET /workspaces/:ws -> WorkspaceInfo;
 * DELETE /workspaces/:ws -> 204 (stops what runs; the facts stay). */
export const WorkspaceView = Type.Object(
  { name: Type.String(), createdAt: At, createdBy: Type.String() },
  { title: 'Workspace' },
)
export type WorkspaceView = Static<typeof WorkspaceView>
export const WorkspaceInfo = Type.Object(
  {
    name: Type.String(),
    createdAt: At,
    createdBy: Type.String(),
    pipelines: Type.Array(Type.String()),
    repos: Type.Array(Type.String()),
  },
  { title: 'WorkspaceInfo' },
)
export type WorkspaceInfo = Static<typeof WorkspaceInfo>

/** POST /workspaces/:ws/uploads {} -> 201. Then the transfer protocol below it, then a bundle. */
export const UploadView = Type.Object({ upload: Type.String(), expiresAt: At }, { title: 'Upload' })
export type UploadView = Static<typeof UploadView>

/** POST /workspaces/:ws/bundles -> 201 new, 200 unchanged. */
export const BundleRequest = Type.Object(
  {
    upload: Type.String(),
    kind: Type.Union([
      Type.Literal('train-source'),
      Type.Literal('serve-source'),
      Type.Literal('data'),
    ]),
    /** Name of the bundle's folder, without `:hash`. */
    folder: Type.String({ minLength: 1, maxLength: 255 }),
    /** Tree of that folder. */
    tree: DigestSchema,
  },
  { title: 'BundleRequest' },
)
export type BundleRequest = Static<typeof BundleRequest>
export const BundleView = Type.Object(
  {
    id: Type.String(),
    kind: Type.String(),
    /** `mnist:e23a2` */
    name: Type.String(),
    /** `/mnist:e23a2` */
    path: Type.String(),
    folder: Type.String(),
    tree: DigestSchema,
    files: Type.Integer(),
    bytes: Type.Integer(),
    author: Type.String(),
    at: At,
    unchanged: Type.Boolean(),
  },
  { title: 'Bundle' },
)
export type BundleView = Static<typeof BundleView>
