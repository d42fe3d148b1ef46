/* Layers become folders of the store. */
import { createHash, type Hash } from 'node:crypto'
import type { Digest } from '../../api/digest.ts'
import type { Entry } from '../../api/tree.ts'
import {
  entriesOf,
  entryAt,
  FileReader,
  type Item,
  putFolder,
  walkTree,
} from '../../store/trees.ts'
import type { Archive } from './archive.ts'
import { frameOf, type Layer } from './layer.ts'
import type { NotedStore } from './noted.ts'
import { folderOf, type PackedLayer } from './packing.ts'
import { Lists, putArchive } from './put-archive.ts'

export interface Unpacked {
  readonly packed: PackedLayer
  /** Of the archive's top. */
  readonly tree: Digest
  /** The folder that was packed; of a file the one that it lies in. */
  readonly folder: string
  /** Whether the layer has just the bytes that are made of such a folder here. */
  readonly isPlain: boolean
}

/** `archive`: the layer, no longer compressed. */
export async function unpackLayer(
  store: NotedStore,
  packed: PackedLayer,
  archive: Archive,
): Promise<Unpacked> {
  const { path, compression, raw } = packed
  if (raw) {
    const tree = await putSingle(store, packed, archive)
    return { packed, tree, folder: folderOf(path), isPlain: false }
  }
  const frame = createHash('sha256')
  const tree = await putArchive(store, archive, packed.below, frame)
  const entry = path === '' ? undefined : await entryAt(store, tree, path)
  const folder = path === '' || entry?.kind === 'folder' ? path : folderOf(path)
  const isBare = compression === 'none' && packed.below === ''
  const isPlain = isBare && (await hasFrame(store, { tree, prefix: '' }, frame))
  return { packed, tree, folder, isPlain }
}

/** A layer that is a file by itself. */
async function putSingle(
  store: NotedStore,
  { path, size }: PackedLayer,
  { pull, run }: Archive,
): Promise<Digest> {
  const chunks = run(size)
  const lists = new Lists(store)
  const item: Item = chunks
    ? { path, ...(await lists.add(chunks)) }
    : { path, content: pull.stream(Number.POSITIVE_INFINITY) }
  await lists.flush()
  return (await putFolder(store, [item])).digest
}

async function hasFrame(store: NotedStore, layer: Layer, frame: Hash): Promise<boolean> {
  const own = createHash('sha256')
  for await (const bytes of frameOf(store, layer)) own.update(bytes)
  return own.digest().equals(frame.digest())
}

/** One folder with what lies in all of these. */
export async function merged(store: NotedStore, trees: readonly Digest[]): Promise<Digest> {
  const [only, ...others] = trees
  if (only !== undefined && others.length === 0) return only
  const reader = new FileReader(store)
  async function* items(): AsyncGenerator<Item> {
    for (const tree of trees) {
      for await (const { path, entry } of walkTree(store, tree)) yield itemOf(reader, path, entry)
    }
  }
  return (await putFolder(store, items())).digest
}

function itemOf(reader: FileReader, path: string, entry: Entry): Item {
  const executable = entry.kind === 'executable'
  const { digest, size, within } = entry
  if (within === undefined) return { path, executable, file: digest, size }
  return { path, executable, content: reader.read(entry) }
}

/** The folder at this path, if nothing lies beside it on the way; else the whole. */
export async function narrowed(store: NotedStore, tree: Digest, path: string): Promise<Layer> {
  let folder = tree
  for (const name of path === '' ? [] : path.split('/')) {
    const [only, ...others] = await entriesOf(store, folder)
    if (only?.name !== name || only.kind !== 'folder' || others.length > 0) {
      return { tree, prefix: '' }
    }
    folder = only.digest
  }
  return { tree: folder, prefix: path }
}
