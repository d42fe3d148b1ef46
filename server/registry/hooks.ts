/* What the registry asks of the room that knows ModelKits (server/kits/kits.ts), and nothing else of
 * it. Written first by the kits room; the registry may add to it.
 *
 * A view is an OCI artifact that nobody pushed: manifests and small blobs are made of an entity when
 * it is first pulled, its layers are recipes from which their bytes are made each time. */
import type { Actor } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import type {
  Expectation,
  Json,
  Move,
  NewEdge,
  NewNode,
  Node,
  RecordWrite,
  Statement,
} from '../../graph/ledger.ts'
import type { Views } from '../blobs/blobs.ts'
import type { Workspace } from '../parts.ts'

export interface Kits {
  /** The entity as OCI manifests; undefined for a kind that has no such form. The same entity gives
   * the same bytes always. The first time it reads all of its content, to learn what the layers are
   * called. */
  view(workspace: Workspace, repository: string, entity: Node): Promise<View | undefined>

  /** Reads what `view` named as `{view}`. Given to `blobAt` as its option. */
  readonly views: Views

  /** What a manifest that is being pushed holds for the catalogue: a ModelKit's or ModelPack's parts.
   * Undefined when it is neither (an image, a signature). It may take long, and is not to be called
   * within the intake's work: what it puts is noted under the session. INVALID_KIT (for the client
   * MANIFEST_INVALID) when it cannot be taken. */
  arrived(arrival: Arrival): Promise<Arrived | undefined>
}

export interface View {
  /** The entity's own manifest. */
  readonly manifest: ViewManifest
  /** Manifests that refer to it: other forms of the same content. */
  readonly referrers: readonly ViewManifest[]
  /** Every blob that any of them names, each once. */
  readonly blobs: readonly ViewBlob[]
  /** To go into the commit that keeps the view. CONFLICT: ask for the view again. */
  readonly expect: readonly Expectation[]
  readonly moves: readonly Move[]
}

export interface ViewManifest {
  readonly mediaType: string
  readonly digest: Digest
  readonly bytes: Buffer
  /** For listings of referrers: artifactType, or the config's media type where there is none. */
  readonly artifactType: string
  readonly subject?: Digest
}

export type ViewBlob = { readonly digest: Digest; readonly size: number } & (
  | { readonly bytes: Buffer }
  /** As it is to stand in the blob's record. */
  | { readonly view: { readonly [key: string]: Json } }
)

export interface Arrival {
  readonly actor: Actor
  readonly workspace: Workspace
  readonly repository: string
  /** Id of the entity that the manifest becomes. */
  readonly artifact: string
  /** Media type and exact bytes of the manifest. */
  readonly mediaType: string
  readonly bytes: Buffer
  /** Session under which objects are noted until the commit is made; end it afterwards. */
  readonly session: string
  /** Host and port that the client spoke to: a parent ModelKit named with it is one of ours. */
  readonly host?: string | undefined
  /** Blobs of the manifest that lie in the store as files: the lists of their chunks. */
  readonly files?: ReadonlyMap<string, Digest>
  /** Bytes of a blob of this repository that the manifest names. */
  blob(digest: string): AsyncIterable<Uint8Array>
}

export interface Arrived {
  /** What goes into the very statement that makes the artifact's entity, and its commit. CONFLICT:
   * plan again. */
  plan(): Promise<Additions>
}

export interface Additions {
  /** For the statement that makes the artifact's entity. */
  readonly nodes: readonly NewNode[]
  readonly edges: readonly NewEdge[]
  readonly moves: readonly Move[]
  /** Further facts of the same commit, behind that one. */
  readonly statements: readonly Statement[]
  readonly expect: readonly Expectation[]
  readonly records: readonly RecordWrite[]
  /** For the artifact's entity, so that listings need not read its config. */
  readonly attributes: NewNode['attributes']
  /** Layers whose bytes can be made of a part's tree: their records may say so from now on, and the
   * bytes that were sent need not be kept. */
  readonly recipes: readonly {
    readonly digest: string
    readonly size: number
    readonly view: { readonly [key: string]: Json }
  }[]
}
