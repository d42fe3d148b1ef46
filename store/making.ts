/* Making files and trees in a store. */
import { type Digest, digestOf } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { chunks } from '../api/transfer/chunker.ts'
import { FileList } from '../api/transfer/list.ts'
import { decodeTree, EMPTY_TREE, type Entry, encodeTree, isEntryName, sizeOf } from '../api/tree.ts'
import type { Store } from './store.ts'

/** Stores bytes as a file: its chunks, then their list. Durable when it resolves. */
export async function putBytes(
  store: Store,
  source: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<{ digest: Digest; size: number }> {
  const list = new FileList()
  await store.put(objectsOfFile(list, source))
  return { digest: digestOf(list.encoded()), size: list.size }
}

/** Stores a folder of these entries; what they name is stored already. */
export async function putTree(store: Store, entries: readonly Entry[]): Promise<Digest> {
  const bytes = encodedTree(entries)
  await store.put([bytes])
  return digestOf(bytes)
}

/** The tree with these entries in the folder at `path`, in the place of those with equal names.
 * Folders on the way that are missing are made. BAD_REQUEST if a file is in the way. */
export async function graft(
  store: Store,
  tree: Digest,
  path: readonly string[],
  entries: readonly Entry[],
): Promise<Digest> {
  const made: Buffer[] = []
  const { digest } = await grafted(store, tree, path, entries, made)
  // Children first, all in one commit.
  await store.put(made)
  return digest
}

async function grafted(
  store: Store,
  tree: Digest,
  path: readonly string[],
  entries: readonly Entry[],
  made: Buffer[],
): Promise<{ digest: Digest; size: number }> {
  const here = tree === EMPTY_TREE ? [] : decodeTree(await store.get(tree))
  const [name, ...rest] = path
  const added = name === undefined ? entries : [await below(name, rest)]
  const names = new Set(added.map(entry => entry.name))
  const all = [...here.filter(entry => !names.has(entry.name)), ...added]
  const bytes = encodedTree(all)
  made.push(bytes)
  return { digest: digestOf(bytes), size: sizeOf(all) }

  async function below(name: string, rest: string[]): Promise<Entry> {
    const there = here.find(entry => entry.name === name)
    if (there !== undefined && there.kind !== 'folder') {
      throw new KaosError('BAD_REQUEST', `${name} is a file, so nothing can be put into it`)
    }
    const folder = await grafted(store, there?.digest ?? EMPTY_TREE, rest, entries, made)
    return { name, kind: 'folder', ...folder }
  }
}

/** Refuses what no tree may hold: two entries of one name, names that are none. */
function encodedTree(entries: readonly Entry[]): Buffer {
  const wrong = entries.find(entry => !isEntryName(entry.name))
  if (wrong !== undefined) {
    throw new KaosError('INVALID_NAME', `${JSON.stringify(wrong.name)} cannot be a file's name`)
  }
  const bytes = encodeTree(entries)
  decodeTree(bytes)
  return bytes
}

async function* objectsOfFile(
  list: FileList,
  source: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks(source instanceof Uint8Array ? once(source) : source)) {
    list.add(digestOf(chunk), chunk.length)
    yield chunk
  }
  yield list.encoded()
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
