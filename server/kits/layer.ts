/* A layer is a view: the tar of a folder, whose bytes are never stored. They are made from the tree
 * whenever somebody reads them, always the same: members in the order of trees, parents first. Where
 * each lies follows from the sizes before it, so a range is read without what lies before it. */
import { createHash } from 'node:crypto'
import { type Digest, digestFromRaw } from '../../api/digest.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import { DEPTH_MAX } from '../../api/transfer/protocol.ts'
import { type Chunk, type Entry, encodeFile } from '../../api/tree.ts'
import { readChunks } from '../../store/contents.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf, FileReader } from '../../store/trees.ts'
import { BLOCK, headOf, type Member, padding } from './head.ts'

export interface Layer {
  readonly tree: Digest
  /** Folder of the archive that the tree's entries lie in (`data/features`); '' is the archive's top. */
  readonly prefix: string
}

export interface Extent {
  readonly digest: Digest
  readonly size: number
}

/** Bytes from `start` up to, but without, `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

type Source = Pick<Store, 'get'>

/** Two empty blocks end an archive. */
const END = Buffer.alloc(2 * BLOCK)
/** Small pieces are handed on together. */
const GATHERED = 128 * 1024

/** The layer's bytes, verified as they are read; only those of the range when there is one. */
export async function* readLayer(
  store: Source,
  layer: Layer,
  range: Range = { start: 0, end: Number.POSITIVE_INFINITY },
): AsyncGenerator<Uint8Array, void, undefined> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const bytes of cut(store, layer, range)) {
    parts.push(bytes)
    length += bytes.length
    if (length < GATHERED) continue
    yield parts.length === 1 ? bytes : Buffer.concat(parts, length)
    parts = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(parts, length)
}

/** What the layer is called and how long it is. Reads all of it. */
export async function measureLayer(store: Source, layer: Layer): Promise<Extent> {
  const hash = createHash('sha256')
  let size = 0
  for await (const bytes of readLayer(store, layer)) {
    hash.update(bytes)
    size += bytes.length
  }
  return { digest: digestFromRaw(hash.digest()), size }
}

/** All of the layer but the contents of its files. With the same frame and the same files two layers
 * are the same. */
export async function* frameOf(store: Source, layer: Layer): AsyncGenerator<Buffer> {
  for await (const { member } of members(store, layer)) {
    yield headOf(member)
    yield padding(member.size)
  }
  yield END
}

async function* cut(store: Source, layer: Layer, range: Range): AsyncGenerator<Uint8Array> {
  const reader = new FileReader(store)
  let at = 0
  function* piece(bytes: Uint8Array): Generator<Uint8Array> {
    const from = Math.max(range.start - at, 0)
    const to = Math.min(range.end - at, bytes.length)
    at += bytes.length
    if (from < to) yield bytes.subarray(from, to)
  }
  for await (const { member, entry } of members(store, layer)) {
    if (at >= range.end) return
    yield* piece(headOf(member))
    if (entry === undefined || at >= range.end) continue
    const skipped = Math.min(Math.max(range.start - at, 0), entry.size)
    at += skipped
    if (skipped < entry.size) {
      for await (const bytes of contentFrom(store, reader, entry, skipped)) {
        yield* piece(bytes)
        if (at >= range.end) return
      }
    }
    yield* piece(padding(entry.size))
  }
  yield* piece(END)
}

async function* contentFrom(
  store: Source,
  reader: FileReader,
  entry: Entry,
  skipped: number,
): AsyncGenerator<Uint8Array> {
  if (skipped === 0) return yield* reader.read(entry)
  if (entry.within !== undefined) {
    for await (const bytes of reader.read(entry)) yield bytes.subarray(skipped)
    return
  }
  const left: Chunk[] = []
  let before = 0
  for (const chunk of chunksIn(await store.get(entry.digest))) {
    if (left.length > 0 || before + chunk.length > skipped) left.push(chunk)
    else before += chunk.length
  }
  let over = skipped - before
  for await (const bytes of readChunks(store, encodeFile(left))) {
    yield bytes.subarray(over)
    over = 0
  }
}

interface Placed {
  readonly member: Member
  /** Of a file. */
  readonly entry?: Entry
}

async function* members(store: Source, { tree, prefix }: Layer): AsyncGenerator<Placed> {
  const names = prefix === '' ? [] : prefix.split('/')
  for (const place of names.keys()) yield folder(names.slice(0, place + 1).join('/'))
  yield* below(store, tree, prefix, 0)
}

async function* below(
  store: Source,
  tree: Digest,
  path: string,
  depth: number,
): AsyncGenerator<Placed> {
  if (depth > DEPTH_MAX) throw new RangeError(`${path} is deeper than any folder can be`)
  for (const entry of await entriesOf(store, tree)) {
    const { name, kind, size, digest } = entry
    const here = path === '' ? name : `${path}/${name}`
    if (kind !== 'folder') {
      yield { member: { path: here, kind, size }, entry }
      continue
    }
    yield folder(here)
    yield* below(store, digest, here, depth + 1)
  }
}

function folder(path: string): Placed {
  return { member: { path, kind: 'folder', size: 0 } }
}
