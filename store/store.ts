/* The store: objects by content. An object is a chunk, a file list or a tree (api/tree.ts), at most
 * OBJECT_MAX bytes; its name is the SHA-256 of its bytes. The store knows no names, no tags, no
 * workspaces: who may read what is the server's business, what is still needed the ledger's.
 *
 * Always true: an object is listed only after all its bytes are durable; a wrong byte never leaves
 * as good; what is stored never changes. A crash at any point leaves garbage, never a lie. */
import type { Digest } from '../api/digest.ts'

export interface Stats {
  readonly objects: number
  /** Bytes of all objects, each once. */
  readonly bytes: number
  /** Packs, and their bytes that are forgotten but not given back yet; absent where there are none. */
  readonly packs?: number
  readonly deadBytes?: number
  /** Bytes free on the volume below the store, where there is one. */
  readonly freeBytes?: number
}

/** What `check` tells: an object that is damaged or missing, a file of the store's own that was
 * damaged, and how far it came. */
export type Checked =
  | { readonly kind: 'damage'; readonly digest: Digest; readonly reason: string }
  /** A file that says where objects lie. It is made anew from others, so no object is lost. */
  | { readonly kind: 'file'; readonly file: string; readonly reason: string }
  /** So many bytes were read since the last step. `cursor`: from where to go on after a stop. */
  | { readonly kind: 'step'; readonly cursor: string; readonly bytes: number }

/** Objects on their way out. From `condemn` on `has` and `sizes` call them absent and `put` writes
 * them anew; `get` still reads them, and `list` and `stats` still count them. */
export interface Condemned {
  /** Takes these back among the living. */
  spare(digests: Iterable<Digest>): Promise<void>
  /** Forgets the condemned copies, never those that were put since. Answers how many objects are no
   * longer here, and their bytes; the room is given back by `compact`. CONFLICT, and nothing is
   * forgotten, if these were released meanwhile by a later `condemn`. */
  remove(): Promise<{ objects: number; bytes: number }>
  /** Spares all that is left. After `remove` it has no effect. */
  release(): Promise<void>
}

/** How an object is read. `unchecked`: for whoever compares the bytes with the digest, and reads them
 * again, checked, when they are others. */
export interface Reading {
  readonly unchecked?: boolean
}

export interface Store {
  /** Made with the store and never changed: 32 hex digits. The ledger remembers it, and both are
   * compared at start. */
  readonly id: string

  /** For each digest, in order, whether a sound copy is believed to be here. Reads no object. */
  has(digests: readonly Digest[]): Promise<boolean[]>

  /** As `has`, with the size of each object in bytes; undefined where there is no sound copy. */
  sizes(digests: readonly Digest[]): Promise<(number | undefined)[]>

  /** Stores the objects in order and answers their digests in order. Resolves when all are durable
   * (bytes, then index, each synced). Storing one twice is no error and takes no more room, but
   * replaces a copy that was found damaged. If the source throws or the disk is full
   * (STORAGE_FULL), no object of this call that was not there before is listed. An object over
   * OBJECT_MAX is TOO_LARGE. Memory stays bounded whatever the source brings. */
  put(objects: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Digest[]>

  /** The whole object, verified. OBJECT_UNKNOWN if it is not here; OBJECT_DAMAGED if its bytes are
   * not what the digest says: it is then set aside, and a later `put` of the right bytes heals it. */
  get(digest: Digest, reading?: Reading): Promise<Uint8Array>

  /** Forgets objects. A missing one is no error, so a broken-off removal can be run again. Room may
   * be given back later. */
  remove(digests: readonly Digest[]): Promise<void>

  /** Every object once, in no order; those put or removed meanwhile may or may not be among them.
   * `at`: since when this copy is here, ms since 1970, as far as the back end knows. */
  list(): AsyncIterable<{ digest: Digest; size: number; at: number }>

  /** Reads every byte, pack by pack, and says what is damaged or missing. Changes nothing but the set
   * of known damage and the store's own damaged files. `from`: a step's cursor of an earlier check
   * that was stopped. */
  check(from?: string): AsyncIterable<Checked>

  /** How many objects are known to be damaged and not yet healed. */
  damaged(): Promise<number>

  /** Condemns objects (those that are here). A process that dies meanwhile leaves them living. Only
   * one condemnation stands at a time: a new one releases the one before. */
  condemn(digests: AsyncIterable<Digest> | Iterable<Digest>): Promise<Condemned>

  /** Gives back room: packs of which more than `deadShare` (0 to 1) is forgotten are written anew,
   * verified, and removed. Safe to stop and to repeat. Answers the bytes given back. */
  compact(deadShare: number): Promise<number>

  stats(): Promise<Stats>

  /** Lets go of files and locks. Calls after it are refused. A second close is no error. */
  close(): Promise<void>
}
