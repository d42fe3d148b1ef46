/* Brings a tree onto this host: asks for its folders, then for the files that the cache lacks, and lays
 * it out from the cache. A new version of a data set costs what changed in it. */
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { smallFileDigest } from '../../api/folder.ts'
import { Incoming, wrongSize } from '../../api/transfer/incoming.ts'
import { Landing } from '../../api/transfer/landing.ts'
import { sizeIn } from '../../api/transfer/list.ts'
import { type Folder, foldersOf, Met, partsOf } from '../../api/transfer/parts.ts'
import { PARTS_MAX } from '../../api/transfer/protocol.ts'
import { EMPTY_FILE, type Entry } from '../../api/tree.ts'
import type { FileCache, Wanted } from './file-cache.ts'
import { setTimes } from './laid.ts'
import { Turns } from './turns.ts'

/** The frames of a tree in parts, as the attempts API sends them. */
export interface Source {
  folders(tree: Digest, signal: AbortSignal): AsyncIterable<Uint8Array>
  parts(tree: Digest, wanted: readonly Digest[], signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** Files up to this size are written without leaving the thread. */
const SMALL = 256 * 1024
/** The second finds nothing, but for twins; more, and somebody or something writes into the cache. */
const ROUNDS_MAX = 5

export class TreeFetch {
  readonly #cache: FileCache
  readonly #source: Source
  readonly #tree: Digest
  readonly #signal: AbortSignal
  /** Encodings of the tree and of the folders below it. */
  readonly #trees = new Map<Digest, Uint8Array>()

  constructor(cache: FileCache, source: Source, tree: Digest, signal: AbortSignal) {
    this.#cache = cache
    this.#source = source
    this.#tree = tree
    this.#signal = signal
  }

  /** Brings what the cache lacks into it. What a cut left there is not asked for again. */
  async fill(): Promise<void> {
    if (this.#trees.size === 0) await this.#fetchFolders()
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      const lacking = await this.#lacking()
      if (lacking.length === 0) return
      for (let at = 0; at < lacking.length; at += PARTS_MAX) {
        await this.#fetchParts(lacking.slice(at, at + PARTS_MAX))
      }
    }
    const message = "files in the worker's cache do not stay as they were written; look at its disk"
    throw new KaosError('CONFIGURATION', message)
  }

  /** Lays the tree out at `target`, where nothing may be; whole or not at all. */
  async layOut(target: string, as: 'link' | 'copy'): Promise<void> {
    const landing = new Landing(target, 'folder')
    const turns = new Turns()
    const folders: string[] = []
    try {
      await landing.begin()
      for await (const { path, entries } of this.#folders('each')) {
        if (path !== '') await landing.folder(path)
        folders.unshift(landing.path(path))
        for (const entry of entries) {
          if (entry.kind === 'folder') continue
          this.#cache.lay(wantedOf(entry), `${landing.path(path)}/${entry.name}`, as)
          await turns.take()
        }
        this.#signal.throwIfAborted()
      }
      for (const folder of folders) setTimes(folder)
      await landing.finish()
    } catch (error) {
      await landing.discard()
      throw error
    }
  }

  #folders(which: 'different' | 'each' = 'different'): AsyncGenerator<Folder, void, undefined> {
    return foldersOf(this.#tree, async tree => this.#trees.get(tree)!, which)
  }

  async #fetchFolders(): Promise<void> {
    const incoming = new Incoming(this.#source.folders(this.#tree, this.#signal), this.#signal)
    const came = new Map<Digest, Uint8Array>()
    const read = async (tree: Digest) => {
      // A copy: what came is a view of a buffer with much else in it.
      const bytes = Buffer.from(await incoming.object(tree))
      came.set(tree, bytes)
      return bytes
    }
    try {
      for await (const _ of foldersOf(this.#tree, read));
      await incoming.end()
    } finally {
      await incoming.close()
    }
    for (const [tree, bytes] of came) this.#trees.set(tree, bytes)
  }

  /** What must be asked for: files by their digests, small ones by that of their segment. */
  async #lacking(): Promise<Digest[]> {
    const lacking = new Set<Digest>()
    const turns = new Turns()
    for await (const { entries } of this.#folders()) {
      for (const entry of entries) {
        if (entry.kind === 'folder') continue
        await turns.take()
        const wanted = wantedOf(entry)
        if ((await this.#cache.has(wanted)) || (await this.#cache.hasTwin(wanted))) continue
        if (entry.digest === EMPTY_FILE) this.#cache.small(wanted, Buffer.alloc(0))
        else lacking.add(entry.within?.segment ?? entry.digest)
      }
      this.#signal.throwIfAborted()
    }
    return [...lacking]
  }

  async #fetchParts(lacking: readonly Digest[]): Promise<void> {
    const asked = new Set(lacking)
    const met = new Met()
    const frames = this.#source.parts(this.#tree, lacking, this.#signal)
    const incoming = new Incoming(frames, this.#signal)
    try {
      for await (const folder of this.#folders()) {
        const { segments, files } = partsOf(folder, part => asked.has(part), met)
        const within = segments.length === 0 ? undefined : bySegment(folder.entries)
        for (const segment of segments) {
          this.#keepSmall(await incoming.chunk(segment), within?.get(segment.digest) ?? [])
        }
        for (const entry of files) await this.#keep(entry, incoming)
      }
      await incoming.end()
    } finally {
      await incoming.close()
    }
  }

  /** The files of a segment. The tree could name other bytes than are there, but a cache serves many. */
  #keepSmall(segment: Buffer, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { offset } = entry.within!
      const bytes = segment.subarray(offset, offset + entry.size)
      if (smallFileDigest(bytes) !== entry.digest) {
        throw wrongSize(entry.name, entry.size, bytes.length)
      }
      this.#cache.small(wantedOf(entry), bytes)
    }
  }

  async #keep(entry: Entry, incoming: Incoming): Promise<void> {
    const list = await incoming.object(entry.digest)
    const size = sizeIn(list)
    if (size !== entry.size) throw wrongSize(entry.name, entry.size, size)
    const wanted = wantedOf(entry)
    if (size <= SMALL) this.#cache.small(wanted, await incoming.whole(list))
    else await this.#cache.large(wanted, incoming.pieces(list))
  }
}

function wantedOf({ digest, kind, size }: Entry): Wanted {
  return { digest, size, executable: kind === 'executable' }
}

function bySegment(entries: readonly Entry[]): Map<Digest, Entry[]> {
  const small = entries.filter(entry => entry.within !== undefined)
  return Map.groupBy(small, entry => entry.within!.segment)
}
