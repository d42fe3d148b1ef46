/* Which blobs a repository has, as records of the ledger (they come and go without being facts):
 *
 *   blob/<ws>/<repository>/<digest>      what its bytes are; roots for the collector
 *   blob-at/<digest>/<ws>/<repository>   the same, asked the other way round
 *
 * A blob is a file of its own (`file`), a file in an entity's OCI layout (`entity`), or made whenever
 * somebody reads it (`view`; by whom is told by options). <digest> is of the plain bytes. */
import { type Digest, isDigest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import type { Chunk, Entry } from '../../api/tree.ts'
import type { Json, Ledger, RecordWrite } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { entryAt } from '../../store/trees.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import { type Blob, entryBlob, fileBlob } from './blob.ts'

/** So many chunks are asked for at once. */
const SLICE = 1024

interface Known {
  readonly size: number
  /** RFC 3339. */
  readonly at: string
  /** Agent. */
  readonly by?: string
}
export type BlobRecord = Known &
  (
    | { readonly file: Digest }
    | { readonly entity: string }
    | { readonly view: { readonly [key: string]: Json } }
  )

/** Makes the bytes of a view; undefined when what it is made of is gone. */
export type Views = (view: { readonly [key: string]: Json }) => Promise<Blob | undefined>

export interface Reading {
  readonly ledger: Ledger
  readonly store: Store
  readonly views?: Views
}

export interface Found extends Blob {
  readonly record: BlobRecord
  /** Its list in the store, where it has one. */
  readonly file?: Digest
  /** Whether all of it is here, as far as is known without reading it. */
  isSound(): Promise<boolean>
  /** Reads all of it, so that whatever is damaged is known, and healed when it is put again. Whether
   * all is well. */
  examine(): Promise<boolean>
}

const SHA512 = /^sha512:[0-9a-f]{128}$/

/** Whether a blob or manifest may be called so: sha256 or sha512. */
export function isBlobDigest(text: string): boolean {
  return isDigest(text) || SHA512.test(text)
}

/** `sha256:ab…` as its place in an OCI layout. */
export function layoutPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

/** The blob, as this repository has it. */
export async function blobAt(
  reading: Reading,
  ws: string,
  repository: string,
  digest: string,
): Promise<Found | undefined> {
  const record = await recordAt(reading.ledger, blobKey(ws, repository, digest))
  return record && openRecord(reading, digest, record.value as unknown as BlobRecord)
}

/** What it takes to have a blob in a repository. */
export function blobWrites(
  ws: string,
  repository: string,
  digest: string,
  value: BlobRecord,
): RecordWrite[] {
  return [
    { key: blobKey(ws, repository, digest), value: value as unknown as Json },
    { key: `${atPrefix(digest)}${ws}/${repository}`, value: true },
  ]
}

/** What it takes to have it no more. */
export function blobRemoval(ws: string, repository: string, digest: string): RecordWrite[] {
  return [
    { key: blobKey(ws, repository, digest), value: null },
    { key: `${atPrefix(digest)}${ws}/${repository}`, value: null },
  ]
}

/** Every repository that has the blob, in whatever workspace. */
export async function* repositoriesWith(
  ledger: Ledger,
  digest: string,
): AsyncGenerator<{ ws: string; repository: string }> {
  const prefix = atPrefix(digest)
  for await (const { key } of recordsBelow(ledger, prefix)) {
    const [ws = '', ...rest] = key.slice(prefix.length).split('/')
    yield { ws, repository: rest.join('/') }
  }
}

export function blobKey(ws: string, repository: string, digest: string): string {
  return `blob/${ws}/${repository}/${digest}`
}

function atPrefix(digest: string): string {
  return `blob-at/${digest}/`
}

async function openRecord(
  { ledger, store, views }: Reading,
  digest: string,
  record: BlobRecord,
): Promise<Found | undefined> {
  if ('file' in record) {
    const { file, size } = record
    return {
      record,
      file,
      ...fileBlob(store, file, size),
      isSound: () => isSoundFile(store, file),
      examine: () => examineFile(store, file),
    }
  }
  if ('view' in record) {
    const blob = await views?.(record.view)
    if (!blob) return undefined
    const { size } = blob
    return { record, size, read: (...range) => blob.read(...range), isSound: yes, examine: yes }
  }
  const node = await ledger.node(record.entity)
  const entry = node?.digest && (await entryAt(store, node.digest, layoutPath(digest)))
  if (!entry) return undefined
  return {
    record,
    ...(entry.within === undefined && { file: entry.digest }),
    ...entryBlob(store, entry),
    isSound: () => isSoundEntry(store, entry),
    examine: () => (entry.within ? yes() : examineFile(store, entry.digest)),
  }
}

/** Of what is made when it is read, only reading tells more. */
async function yes(): Promise<boolean> {
  return true
}

async function isSoundEntry(store: Store, { within, digest }: Entry): Promise<boolean> {
  if (within === undefined) return isSoundFile(store, digest)
  return (await store.has([within.segment])).includes(true)
}

/** Whether the list and all its chunks are here and not known to be damaged. */
export async function isSoundFile(store: Store, file: Digest): Promise<boolean> {
  const list = await read(store, file)
  // What a collector has condemned can still be read, but will not stay.
  if (list === undefined || !(await store.has([file])).includes(true)) return false
  const chunks = chunksIn(list)
  for (let some = take(chunks); some.length > 0; some = take(chunks)) {
    const sizes = await store.sizes(some.map(chunk => chunk.digest))
    if (some.some((chunk, i) => sizes[i] !== chunk.length)) return false
  }
  return true
}

/** Reads the list and every chunk: what is damaged is known to the store then. */
export async function examineFile(store: Store, file: Digest): Promise<boolean> {
  const list = await read(store, file)
  if (list === undefined) return false
  let sound = true
  for (const { digest, length } of chunksIn(list)) {
    if ((await read(store, digest))?.length !== length) sound = false
  }
  return sound
}

async function read(store: Store, digest: Digest): Promise<Uint8Array | undefined> {
  try {
    return await store.get(digest)
  } catch (error) {
    if (isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')) {
      return undefined
    }
    throw error
  }
}

function take(chunks: Iterator<Chunk, void>): Chunk[] {
  const some: Chunk[] = []
  while (some.length < SLICE) {
    const { value, done } = chunks.next()
    if (done || value === undefined) break
    some.push(value)
  }
  return some
}
