/* Remotes: places where a foreign tool (DVC, Git LFS) keeps objects under names of its own. Each
 * belongs to a repository of a workspace. All that a remote knows are records; <of> stands for
 * `<workspace id>/<repository>`, which never holds a colon:
 *
 *   dvc/<of>:<path>               an object, and the file that holds its bytes
 *   lfs/<of>:<oid>                the same
 *   brought/loose/<kind>/<of>:<name>    not in a version of the repository yet
 *   brought/folder/dvc/<of>:<path>      the list of a folder that is no version yet
 *   brought/at/<kind>/<of>              when something came last that has to be looked at again */
import type { Digest } from '../../api/digest.ts'
import { CHUNK_MIN, type Within } from '../../api/tree.ts'
import type { Json, Ledger, LedgerRecord } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import type { FileReader, FileRef, Item } from '../../store/trees.ts'
import { type Blob, entryBlob, isSoundFile } from '../blobs/blobs.ts'
import { placeIn } from '../catalogue/versions.ts'
import { recordAt } from '../ledger-reads.ts'

export type RemoteKind = 'dvc' | 'lfs'

export interface Remote {
  readonly kind: RemoteKind
  /** Id of the workspace. */
  readonly workspace: string
  readonly organisation: string
  readonly repository: string
}

const of = ({ workspace, repository }: Remote) => `${workspace}/${repository}`

export const keyOf = {
  object: (remote: Remote, name: string) => `${remote.kind}/${of(remote)}:${name}`,
  loose: (remote: Remote, name: string) => `brought/loose/${remote.kind}/${of(remote)}:${name}`,
  folder: (remote: Remote, name: string) => `brought/folder/${remote.kind}/${of(remote)}:${name}`,
  at: (remote: Remote) => `brought/at/${remote.kind}/${of(remote)}`,
  everyAt: (kind: RemoteKind) => `brought/at/${kind}/`,
}

/** The name of an object in a key that ends with it. */
export function nameIn(key: string): string {
  return key.slice(key.indexOf(':') + 1)
}

/** Which remote a record `brought/at/…` is of. */
export function remoteIn(key: string): { workspace: string; repository: string } {
  const [, , , workspace = '', ...repository] = key.split('/')
  return { workspace, repository: repository.join('/') }
}

/** What an object's record says. */
export interface Kept {
  /** The file's digest: also that of its list in the store, if it has one. */
  readonly file: Digest
  readonly size: number
  readonly at: string
  /** Agent who brought it first. */
  readonly by: string
  /** Of a small file that is in versions: where its bytes lie, the newest place first. A place goes
   * with the last version that has it. */
  readonly places?: readonly Within[]
  /** Once it is in a version: FOLDERS, or the entity that it is in alone, and with which it goes. */
  readonly holder?: string
}

/** Holder of what lies in folders: in as many versions as have such a folder. */
export const FOLDERS = 'folders'

export interface KeptObject extends Kept {
  readonly name: string
  /** Version of the record. */
  readonly version: number
  /** The place where its bytes are, if not in a list of its own. */
  readonly within: Within | undefined
}

export function blobOf(store: Store, { file, size, within }: KeptObject): Blob {
  return entryBlob(store, { name: '', kind: 'file', digest: file, size, ...(within && { within }) })
}

/** How its bytes are read. */
export function contentOf({ file, size, within }: KeptObject): FileRef {
  return within === undefined ? file : { digest: file, size, within }
}

/** The object as a file of a folder that is to be made. */
export async function itemOf(reader: FileReader, path: string, object: KeptObject): Promise<Item> {
  const { file, size, within } = object
  if (within === undefined) return { path, file, size }
  return { path, content: await reader.whole(contentOf(object), CHUNK_MIN) }
}

export interface Looked {
  /** Undefined if it or some of its bytes are not here. */
  readonly object: KeptObject | undefined
  /** Of its record: grows when it is brought again. */
  readonly version: number
}

export interface Objects {
  look(remote: Remote, name: string): Promise<Looked>
  /** All whose name begins so and that seem to be here, by name. */
  below(remote: Remote, prefix: string): AsyncGenerator<KeptObject>
  /** Whether there is one whose name begins so. */
  any(remote: Remote, prefix: string): Promise<boolean>
}

const PAGE = 1000

export function openObjects(ledger: Ledger, store: Store): Objects {
  /** Those that belong to no version that was removed. */
  async function living(remote: Remote, objects: readonly KeptObject[]): Promise<KeptObject[]> {
    const { workspace, repository } = remote
    const found: KeptObject[] = []
    for (const object of objects) {
      const { holder } = object
      const free = holder === undefined || holder === FOLDERS
      const here = free || (await placeIn(ledger, workspace, holder, repository)) !== undefined
      if (here) found.push(object)
    }
    return found
  }

  return {
    async look(remote, name) {
      const record = await recordAt(ledger, keyOf.object(remote, name))
      if (record === undefined) return { object: undefined, version: 0 }
      const [object] = await living(remote, await findable(store, [record]))
      const here = object !== undefined && (await isWhole(store, object))
      return { object: here ? object : undefined, version: record.version }
    },
    async any(remote, prefix) {
      return (await ledger.records(keyOf.object(remote, prefix), { limit: 1 })).length > 0
    },
    async *below(remote, prefix) {
      const key = keyOf.object(remote, prefix)
      for (let after: string | undefined; ; ) {
        const page = await ledger.records(key, { limit: PAGE, ...(after && { after }) })
        yield* await living(remote, await findable(store, page))
        if (page.length < PAGE) return
        after = page.at(-1)?.key
      }
    },
  }
}

export function recordOf({ file, size, at, by, places = [], holder }: Kept): Json {
  return {
    file,
    size,
    at,
    by,
    ...(places.length > 0 && { places: places.map(place => ({ ...place })) }),
    ...(holder !== undefined && { holder }),
  }
}

/** Those whose bytes seem to be here: their list, or a segment that they lie in. */
async function findable(store: Store, records: readonly LedgerRecord[]): Promise<KeptObject[]> {
  const all = records.map(record => ({ record, kept: record.value as unknown as Kept }))
  const roots = all.flatMap(({ kept }) => rootsOf(kept))
  const has = await store.has(roots)
  const here = new Set(roots.filter((_, i) => has[i]))
  return all.flatMap(({ record, kept }) => {
    const within = placesOf(kept).find(({ segment }) => here.has(segment))
    if (within === undefined && !here.has(kept.file)) return []
    return [{ ...kept, name: nameIn(record.key), version: record.version, within }]
  })
}

/** Any of which is enough to have the object's bytes: its list, and segments that they lie in. */
export function rootsOf(object: Kept): Digest[] {
  return [...placesOf(object).map(place => place.segment), object.file]
}

export function placesOf({ places = [] }: Kept): readonly Within[] {
  return places
}

/** What a collection, a purge or damage took a part of is absent, so that the tool brings it again. */
async function isWhole(store: Store, { file, within }: KeptObject): Promise<boolean> {
  return within !== undefined || (await isSoundFile(store, file))
}
