/* Making whole folders in a store from files in any order, with bounded memory.
 *
 * Small files lie in segments in the order of their names, so their bytes are wanted when all names
 * are known. Until then they are held; when they are too many, those held are stored as files of their
 * own and read again at the end (then garbage, for the collector). */
import { type Digest, digestOf } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { FolderMaker } from '../api/folder.ts'
import { Chunker, chunks } from '../api/transfer/chunker.ts'
import { FileList } from '../api/transfer/list.ts'
import { DEPTH_MAX } from '../api/transfer/protocol.ts'
import { CHUNK_MIN, type Entry, isEntryName, isSmall, OBJECT_MAX } from '../api/tree.ts'
import { FileReader } from './contents.ts'
import { inOrder, type Making } from './making.ts'

/** Bytes of objects that are put at once: worth a synced write. */
const BATCH = 8 * 1024 * 1024
/** Bytes of small files that are held. */
const HELD = 32 * 1024 * 1024

interface Named {
  /** Below the folder, with `/`. */
  readonly path: string
  readonly executable?: boolean
}

/** A file with its bytes, or one whose list is in the store (`size` bytes). */
export type Item =
  | (Named & { readonly content: Uint8Array | AsyncIterable<Uint8Array> })
  | (Named & { readonly file: Digest; readonly size: number })

export interface Folder {
  readonly digest: Digest
  readonly files: number
  readonly bytes: number
}

/** Stores a folder of these files, in whatever order they come; folders on their way are made. All is
 * durable when it resolves. INVALID_NAME for what no tree can name, BAD_REQUEST for a path that comes
 * twice or leads through a file. */
export async function putFolder(
  store: Making,
  items: AsyncIterable<Item> | Iterable<Item>,
): Promise<Folder> {
  const making = new FolderMaking(store)
  for await (const item of items) await making.place(item)
  return making.finish()
}

interface File {
  readonly executable: boolean
  readonly size: number
  readonly digest: Digest
  /** Of a small file that is held. */
  bytes?: Buffer | undefined
}
type Node = File | Below
type Below = Map<string, Node>

class FolderMaking {
  readonly #store: Making
  readonly #root: Below = new Map()
  readonly #reader: FileReader
  readonly #chunker = new Chunker()
  readonly #batch: Uint8Array[] = []
  #batchBytes = 0
  #held: File[] = []
  #heldBytes = 0
  #files = 0
  #bytes = 0

  constructor(store: Making) {
    this.#store = store
    this.#reader = new FileReader(store)
  }

  async place(item: Item): Promise<void> {
    const names = item.path.split('/')
    const name = names.pop()!
    const wrong = [...names, name].find(one => !isEntryName(one))
    if (wrong !== undefined || names.length > DEPTH_MAX) {
      const shown = JSON.stringify(item.path)
      throw new KaosError('INVALID_NAME', `${shown} cannot be the path of a file in a folder`)
    }
    const folder = this.#folderAt(names, item.path)
    if (folder.has(name)) throw misplaced(item.path, 'is there twice')
    const file = await this.#fileOf(item)
    folder.set(name, file)
    this.#files++
    this.#bytes += file.size
  }

  async finish(): Promise<Folder> {
    const { digest } = await this.#folder(this.#root)
    await this.#flush()
    return { digest, files: this.#files, bytes: this.#bytes }
  }

  #folderAt(names: readonly string[], path: string): Below {
    let folder = this.#root
    for (const name of names) {
      const there = folder.get(name) ?? new Map()
      if (!(there instanceof Map)) throw misplaced(path, 'leads through a file')
      folder.set(name, there)
      folder = there
    }
    return folder
  }

  async #fileOf(item: Item): Promise<File> {
    const executable = item.executable ?? false
    if ('file' in item) return { executable, size: item.size, digest: item.file }
    const list = new FileList()
    const source = item.content instanceof Uint8Array ? [item.content] : item.content
    // A chunk below the least length is the last one: alone it is all of a small file.
    for await (const chunk of chunks(source, this.#chunker)) {
      list.add(digestOf(chunk), chunk.length)
      if (list.size === chunk.length && isSmall(chunk.length)) {
        return await this.#hold(executable, chunk, digestOf(list.encoded()))
      }
      await this.#put(chunk)
    }
    const encoded = list.encoded()
    await this.#put(encoded)
    return { executable, size: list.size, digest: digestOf(encoded) }
  }

  async #hold(executable: boolean, bytes: Buffer, digest: Digest): Promise<File> {
    const file: File = { executable, size: bytes.length, digest, bytes }
    this.#held.push(file)
    this.#heldBytes += bytes.length
    if (this.#heldBytes > HELD) await this.#letGo()
    return file
  }

  /** Stores the small files that are held as files of their own. */
  async #letGo(): Promise<void> {
    for (const file of this.#held) {
      const list = new FileList()
      list.add(digestOf(file.bytes!), file.size)
      await this.#put(file.bytes!)
      await this.#put(list.encoded())
    }
    await this.#flush()
    for (const file of this.#held) file.bytes = undefined
    this.#held = []
    this.#heldBytes = 0
  }

  /** Children first. */
  async #folder(folder: Below): Promise<{ digest: Digest; size: number }> {
    const maker = new FolderMaker()
    for (const { name, node } of inOrder(Array.from(folder, ([name, node]) => ({ name, node })))) {
      if (node instanceof Map) maker.add({ name, kind: 'folder', ...(await this.#folder(node)) })
      else await this.#file(maker, name, node)
    }
    const { digest, size, objects } = maker.finish()
    for (const { bytes } of objects) {
      if (bytes.length > OBJECT_MAX) {
        throw new KaosError('TOO_LARGE', 'a folder holds too many files; spread them over folders')
      }
      await this.#put(bytes)
    }
    return { digest, size }
  }

  async #file(maker: FolderMaker, name: string, file: File): Promise<void> {
    const { executable, size, digest } = file
    const kind: Entry['kind'] = executable ? 'executable' : 'file'
    if (!isSmall(size)) {
      maker.add({ name, kind, size, digest })
      return
    }
    const bytes = file.bytes ?? (await this.#reader.whole(digest, CHUNK_MIN))
    if (bytes.length !== size) throw misplaced(name, `has ${bytes.length} bytes, not ${size}`)
    const segment = maker.small(name, executable, bytes)
    if (segment !== undefined) await this.#put(segment.bytes)
  }

  /** Takes an object, which is the store's from now on. */
  async #put(object: Uint8Array): Promise<void> {
    this.#batch.push(object)
    this.#batchBytes += object.length
    if (this.#batchBytes >= BATCH) await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#batch.length > 0) await this.#store.put(this.#batch.splice(0))
    this.#batchBytes = 0
  }
}

function misplaced(path: string, why: string): KaosError {
  return new KaosError('BAD_REQUEST', `${JSON.stringify(path)} ${why}; give another path`)
}
