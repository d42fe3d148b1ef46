/* Making files and folders in a store. Folders come out in the one form that api/folder.ts gives them,
 * wherever their entries are from. */
import { type Digest, digestOf } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { FolderMaker } from '../api/folder.ts'
import { chunks } from '../api/transfer/chunker.ts'
import { FileList } from '../api/transfer/list.ts'
import {
  CHUNK_MIN,
  decodeTree,
  EMPTY_TREE,
  type Entry,
  isEntryName,
  isSmall,
  OBJECT_MAX,
} from '../api/tree.ts'
import { entriesOf, FileReader } from './contents.ts'
import type { Store } from './store.ts'

/** What is needed of a store to make folders in it. */
export interface Making extends Pick<Store, 'get'> {
  put(objects: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<unknown>
}

/** Stores bytes as a file outside trees: its chunks, then their list. Durable when it resolves. */
export async function putBytes(
  store: Pick<Store, 'put'>,
  source: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<{ digest: Digest; size: number }> {
  const list = new FileList()
  await store.put(objectsOfFile(list, source))
  return { digest: digestOf(list.encoded()), size: list.size }
}

/** Stores a folder of these entries; what they name is stored already. A small file may be one of
 * another folder, or a list: it is read and laid into segments. */
export async function putTree(store: Making, entries: readonly Entry[]): Promise<Digest> {
  let made: Made | undefined
  async function* objects() {
    made = yield* objectsOfFolder(store, entries)
  }
  await store.put(objects())
  return made!.digest
}

/** The tree with these entries in the folder at `path`, in the place of those with equal names.
 * Folders on the way that are missing are made. BAD_REQUEST if a file is in the way. */
export async function graft(
  store: Making,
  tree: Digest,
  path: readonly string[],
  entries: readonly Entry[],
): Promise<Digest> {
  let made: Made | undefined
  async function* objects() {
    made = yield* grafted(store, tree, path, entries)
  }
  // Children first, all in one commit.
  await store.put(objects())
  return made!.digest
}

/** What a folder came out as. */
export interface Made {
  readonly digest: Digest
  readonly size: number
}

async function* grafted(
  store: Making,
  tree: Digest,
  path: readonly string[],
  entries: readonly Entry[],
): AsyncGenerator<Uint8Array, Made, undefined> {
  const here = tree === EMPTY_TREE ? [] : await entriesOf(store, tree)
  const [name, ...rest] = path
  let added = entries
  if (name !== undefined) {
    const there = here.find(entry => entry.name === name)
    if (there !== undefined && there.kind !== 'folder') {
      throw new KaosError('BAD_REQUEST', `${name} is a file, so nothing can be put into it`)
    }
    const below = yield* grafted(store, there?.digest ?? EMPTY_TREE, rest, entries)
    added = [{ name, kind: 'folder', ...below }]
  }
  const names = new Set(added.map(entry => entry.name))
  const all = [...here.filter(entry => !names.has(entry.name)), ...added]
  return yield* objectsOfFolder(store, all)
}

/** The segments and the tree of a folder, which it answers when they were taken. Refuses what no tree may hold: two entries of one name,
 * names that are none. */
export async function* objectsOfFolder(
  store: Pick<Store, 'get'>,
  entries: readonly Entry[],
): AsyncGenerator<Uint8Array, Made, undefined> {
  const wrong = entries.find(entry => !isEntryName(entry.name))
  if (wrong !== undefined) {
    throw new KaosError('INVALID_NAME', `${JSON.stringify(wrong.name)} cannot be a file's name`)
  }
  const maker = new FolderMaker()
  const reader = new FileReader(store)
  for (const entry of inOrder(entries)) {
    if (entry.kind === 'folder' || !isSmall(entry.size)) {
      maker.add(entry)
      continue
    }
    const bytes = await reader.whole(entry, CHUNK_MIN)
    if (bytes.length !== entry.size) throw wrongSize(entry, bytes.length)
    const segment = maker.small(entry.name, entry.kind === 'executable', bytes)
    if (segment !== undefined) yield segment.bytes
  }
  const { digest, size, objects } = maker.finish()
  const tree = objects.at(-1)!.bytes
  if (tree.length > OBJECT_MAX) {
    throw new KaosError('TOO_LARGE', 'the folder holds too many files; spread them over folders')
  }
  decodeTree(tree)
  for (const { bytes } of objects) yield bytes
  return { digest, size }
}

/** By the bytes of their names, as trees have them. */
export function inOrder<T extends { readonly name: string }>(entries: Iterable<T>): T[] {
  return Array.from(entries, entry => ({ entry, raw: Buffer.from(entry.name, 'utf8') }))
    .sort((a, b) => Buffer.compare(a.raw, b.raw))
    .map(({ entry }) => entry)
}

function wrongSize({ name, size }: Entry, real: number): KaosError {
  return new KaosError('BAD_REQUEST', `${name} has ${real} bytes, not ${size} as its entry says`)
}

async function* objectsOfFile(
  list: FileList,
  source: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks(source instanceof Uint8Array ? [source] : source)) {
    list.add(digestOf(chunk), chunk.length)
    yield chunk
  }
  yield list.encoded()
}
