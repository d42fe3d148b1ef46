/* An archive becomes a folder of the store, with its empty folders. */
import type { Hash } from 'node:crypto'
import { type Digest, digestOf } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { FileList } from '../../api/transfer/list.ts'
import { type Chunk, EMPTY_TREE, encodeTree } from '../../api/tree.ts'
import { graft, type Item, putFolder } from '../../store/trees.ts'
import type { Archive } from './archive.ts'
import type { NotedStore } from './noted.ts'
import { folderOf } from './packing.ts'
import { refused } from './refused.ts'
import { untar } from './untar.ts'

const FOLDERS_MAX = 100_000
/** Folders with empty folders in them; the empty ones in others are left out. */
const EMPTY_MAX = 1000

/** `below` stands before the names in the archive; `frame` takes all that is no content. */
export async function putArchive(
  store: NotedStore,
  archive: Archive,
  below: string,
  frame: Hash,
): Promise<Digest> {
  const lists = new Lists(store)
  const folders = new Folders()
  async function* items(): AsyncGenerator<Item> {
    for await (const found of untar(archive, bytes => frame.update(bytes))) {
      const path = below === '' ? found.path : `${below}/${found.path}`
      folders.add(path, found.kind === 'folder')
      if (found.kind === 'folder') continue
      const executable = found.kind === 'executable'
      if (found.chunks) yield { path, executable, ...(await lists.add(found.chunks)) }
      else yield { path, executable, content: found.content }
    }
    await lists.flush()
  }
  try {
    const { digest } = await putFolder(store, items())
    return await withFolders(store, digest, folders.empty)
  } catch (error) {
    const isWrong = isKaosError(error, 'BAD_REQUEST') || isKaosError(error, 'INVALID_NAME')
    throw isWrong ? refused(`in a layer ${error.message}`, error) : error
  }
}

/** Which folders there are, and in which of them nothing lies. */
class Folders {
  readonly #filled = new Set<string>()
  readonly empty = new Set<string>()

  add(path: string, isFolder: boolean): void {
    for (let parent = folderOf(path); parent !== '' && !this.#filled.has(parent); ) {
      this.#filled.add(parent)
      this.empty.delete(parent)
      parent = folderOf(parent)
    }
    if (isFolder && !this.#filled.has(path)) this.empty.add(path)
    if (this.#filled.size + this.empty.size <= FOLDERS_MAX) return
    throw refused(`a layer has over ${FOLDERS_MAX} folders`)
  }
}

/** Files made of chunks that are in the store already. Their lists are put many at a time. */
export class Lists {
  readonly #store: NotedStore
  #lists: Buffer[] = []
  #chunks: Digest[] = []
  static readonly #CHUNKS = 8192

  constructor(store: NotedStore) {
    this.#store = store
  }

  async add(chunks: readonly Chunk[]): Promise<{ file: Digest; size: number }> {
    const list = new FileList()
    for (const { digest, length } of chunks) {
      list.add(digest, length)
      if (this.#chunks.push(digest) >= Lists.#CHUNKS) await this.#adopt()
    }
    const encoded = list.encoded()
    this.#lists.push(encoded)
    if (this.#lists.length >= Lists.#CHUNKS) await this.flush()
    return { file: digestOf(encoded), size: list.size }
  }

  async flush(): Promise<void> {
    await this.#adopt()
    if (this.#lists.length > 0) await this.#store.put(this.#lists.splice(0))
  }

  async #adopt(): Promise<void> {
    if (this.#chunks.length > 0) await this.#store.adopt(this.#chunks.splice(0))
  }
}

/** The same with these folders, in which there is nothing. */
async function withFolders(
  store: NotedStore,
  tree: Digest,
  empty: ReadonlySet<string>,
): Promise<Digest> {
  if (empty.size === 0) return tree
  await store.put([encodeTree([])])
  let made = tree
  const byParent = Map.groupBy(empty, folderOf)
  for (const [parent, paths] of [...byParent].slice(0, EMPTY_MAX)) {
    const entries = paths.map(path => {
      const name = path.slice(path.lastIndexOf('/') + 1)
      return { name, kind: 'folder', size: 0, digest: EMPTY_TREE } as const
    })
    made = await graft(store, made, parent === '' ? [] : parent.split('/'), entries)
  }
  return made
}
