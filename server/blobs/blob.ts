/* A blob as its readers see it, whatever it is made of: bytes of a known length, in ranges. */
import { createHash } from 'node:crypto'
import type { Digest } from '../../api/digest.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import type { Chunk, Entry } from '../../api/tree.ts'
import { ahead } from '../../store/ahead.ts'
import { readChunk } from '../../store/contents.ts'
import type { Store } from '../../store/store.ts'
import { readFile } from '../../store/trees.ts'
import type { HashName } from './pieces.ts'

export interface Blob {
  readonly size: number
  /** The bytes from `start` up to, but without, `end`; verified before they are given out. */
  read(start?: number, end?: number): AsyncIterable<Uint8Array>
}

/** Chunks fetched before they are asked for. */
const AHEAD = 8

/** A part of a file that has a list in the store. What lies before it is not read. */
export async function* readRange(
  store: Pick<Store, 'get'>,
  file: Digest,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const wanted = chunksWithin(await store.get(file), start, end)
  const read = async ({ chunk, from, to }: Wanted) => {
    return (await readChunk(store, chunk)).subarray(from, to)
  }
  yield* ahead(wanted, AHEAD, read)
}

interface Wanted {
  readonly chunk: Chunk
  readonly from: number
  readonly to: number
}

function* chunksWithin(list: Uint8Array, start: number, end: number): Generator<Wanted> {
  let at = 0
  for (const chunk of chunksIn(list)) {
    if (at >= end) return
    const from = Math.max(0, start - at)
    const to = Math.min(chunk.length, end - at)
    if (from < to) yield { chunk, from, to }
    at += chunk.length
  }
}

/** A file that has a list in the store. */
export function fileBlob(store: Pick<Store, 'get'>, file: Digest, size: number): Blob {
  return {
    size,
    read: (start = 0, end = size) => readRange(store, file, start, end),
  }
}

/** A file of a tree, which may be a small one. */
export function entryBlob(store: Pick<Store, 'get'>, entry: Entry): Blob {
  if (entry.within === undefined) return fileBlob(store, entry.digest, entry.size)
  return {
    size: entry.size,
    async *read(start = 0, end = entry.size) {
      for await (const bytes of readFile(store, entry)) yield bytes.subarray(start, end)
    },
  }
}

/** Plain hashes of all bytes, as hex digits. Reads the whole blob. */
export async function hashesOf(
  blob: Blob,
  names: readonly HashName[],
): Promise<Record<string, string>> {
  const hashes = names.map(name => ({ name, hash: createHash(name) }))
  for await (const bytes of blob.read()) {
    for (const { hash } of hashes) hash.update(bytes)
  }
  return Object.fromEntries(hashes.map(({ name, hash }) => [name, hash.digest('hex')]))
}
