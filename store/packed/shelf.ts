/* Where the files of a store lie: a folder, or a bucket. They are written once, whole, and never
 * changed. All that a store knows is in them; see segments.ts for what they say.
 *
 *   store.json           who this store is
 *   packs/<id>.pack      objects (packs.ts)
 *   packs/<id>.idx       what the pack holds; a pack counts from the moment this has its name
 *   marks/…              which copies were removed, found damaged or condemned (marks.ts)
 *   feed/<number>        on a shared shelf: what was added, so that others hear of it (feed.ts) */

export interface Shelf {
  /** For messages: a path, or a bucket at an address. */
  readonly place: string
  /** Whether other processes may write to it at the same time. */
  readonly shared: boolean

  /** Writes a small file whole, in the place of one of that name. Its bytes are durable when this
   * resolves, its name after `settle`. Leaves nothing when it fails. */
  write(name: string, bytes: Uint8Array): Promise<void>
  /** As `write`, but false and without effect if there is a file of that name: of several who try,
   * one gets true. */
  create(name: string, bytes: Uint8Array): Promise<boolean>
  /** Begins a large file. */
  begin(name: string): Promise<Writing>
  /** Resolves when all that was written into this folder has its name for good. */
  settle(folder: Folder): Promise<void>

  /** These bytes; fewer only where the file ends. Throws Unreadable if there is no such file, or the
   * disk fails: what is only out of reach for now is another error. */
  read(name: string, offset: number, length: number): Promise<Buffer>
  /** A small file; undefined if there is none. */
  readWhole(name: string): Promise<Buffer | undefined>
  facts(name: string): Promise<Facts | undefined>
  /** The files in a folder, by name, from the one behind `after`. */
  list(folder: Folder, after?: string): AsyncIterable<Listed>
  /** Missing ones are no error. Reads under way still end well. */
  remove(names: readonly string[]): Promise<void>

  /** Takes away what broken-off writes left outside of any name. */
  sweep(): Promise<void>
  /** Bytes free, where that is known. */
  freeBytes(): Promise<number | undefined>
  close(): Promise<void>
}

export type Folder = 'packs' | 'marks' | 'feed'

export interface Facts {
  readonly bytes: number
  /** When it was written, ms since 1970. */
  readonly at: number
}

export interface Listed {
  /** Without the folder. */
  readonly name: string
  /** undefined if it was removed meanwhile. */
  facts(): Promise<Facts | undefined>
}

export interface Writing {
  /** Appends all of the bytes; they are the caller's again when it resolves. */
  write(bytes: Uint8Array): Promise<void>
  /** Resolves when the bytes are durable. */
  finish(): Promise<void>
  /** Leaves nothing behind. */
  abandon(): Promise<void>
}

/** The bytes cannot be had: the file is missing, too short, or the disk fails. */
export class Unreadable extends Error {}

/** On a shared shelf: what was to be read has been taken away meanwhile. List everything again. */
export class Missed extends Error {}

export const IDENTITY = 'store.json'

export function packName(pack: string): string {
  return `packs/${pack}.pack`
}

export function segmentName(pack: string): string {
  return `packs/${pack}.idx`
}

/** The pack that a name in `packs` speaks of, and as what. */
export function packIn(name: string): { pack: string; is: 'pack' | 'segment' } | undefined {
  const [, pack, end] = /^([0-9a-f]{32})\.(pack|idx)$/.exec(name) ?? []
  if (pack === undefined) return undefined
  return { pack, is: end === 'pack' ? 'pack' : 'segment' }
}

export async function namesIn(shelf: Shelf, folder: Folder): Promise<string[]> {
  return Array.fromAsync(shelf.list(folder), one => one.name)
}
