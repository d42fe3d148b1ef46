/* Brings a tree onto this host: asks for its folders, then for the files that the cache lacks, and lays
 * it out from the cache. A new version of a data set costs what changed in it. */
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { smallFileDigest } from '../../api/folder.ts'
import { Incoming, wrongSize } from '../../api/transfer/incoming.ts'
import { Landing } from '../../api/transfer/landing.ts'
import { sizeIn } from '../../api/transfer/list.ts'
import { foldersOf, Met, partsOf } from '../../api/transfer/parts.ts'
import { PARTS_MAX } from '../../api/transfer/protocol.ts'
import { decodeTree, EMPTY_FILE, type Entry } from '../../api/tree.ts'
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

/** A file that the cache lacked when it was looked for. */
interface Missing {
  /** The first folder with these entries. */
  readonly folder: Digest
  readonly entry: Entry
}

export class TreeFetch {
  readonly #cache: FileCache
  readonly #source: Source
  readonly #tree: Digest
  readonly #signal: AbortSignal
  /** Encodings of the tree and of the folders below it, in the order in which they came. */
  #trees = new Map<Digest, Uint8Array>()
  #missing: Missing[] | undefined

  constructor(cache: FileCache, source: Source, tree: Digest, signal: AbortSignal) {
    this.#cache = cache
    this.#source = source
    this.#tree = tree
    this.#signal = signal
  }

  /** Brings what the cache lacks into it. What a cut left there is not asked for again. */
  async fill(): Promise<void> {
    this.#missing ??= await this.#look()
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      this.#missing = await this.#stillMissing(this.#missing)
      if (this.#missing.length === 0) return
      const lacking = [...new Set(this.#missing.map(partOf))]
      for (let at = 0; at < lacking.length; at += PARTS_MAX) {
        await this.#fetchParts(lacking.slice(at, at + PARTS_MAX), this.#missing)
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
      const read = async (tree: Digest) => this.#trees.get(tree)!
      for await (const { path, entries } of foldersOf(this.#tree, read, 'each')) {
        if (path !== '') await landing.folder(path)
        const folder = landing.path(path)
        folders.push(folder)
        for (const entry of entries) {
          if (entry.kind === 'folder') continue
          this.#cache.lay(wantedOf(entry), `${folder}/${entry.name}`, as)
          const turn = turns.take()
          if (turn !== undefined) await turn
        }
        this.#signal.throwIfAborted()
      }
      // A folder's time changes with what comes into it: those within first.
      for (const folder of folders.reverse()) setTimes(folder)
      await landing.finish()
    } catch (error) {
      await landing.discard()
      throw error
    }
  }

  /** Fetches the folders; answers which of their files are not here. */
  async #look(): Promise<Missing[]> {
    const incoming = new Incoming(this.#source.folders(this.#tree, this.#signal), this.#signal)
    const missing: Missing[] = []
    const trees = new Map<Digest, Uint8Array>()
    const read = async (tree: Digest) => {
      // A copy: what came is a view of a buffer with much else in it.
      const bytes = Buffer.from(await incoming.object(tree))
      trees.set(tree, bytes)
      return bytes
    }
    const turns = new Turns()
    try {
      for await (const { digest: folder, entries } of foldersOf(this.#tree, read)) {
        for (const entry of entries) {
          if (entry.kind === 'folder') continue
          if (!this.#cache.hasUntouched(wantedOf(entry))) missing.push({ folder, entry })
          const turn = turns.take()
          if (turn !== undefined) await turn
        }
      }
      await incoming.end()
    } finally {
      await incoming.close()
    }
    this.#trees = trees
    return missing
  }

  async #stillMissing(before: readonly Missing[]): Promise<Missing[]> {
    const missing: Missing[] = []
    for (const one of before) {
      this.#signal.throwIfAborted()
      const wanted = wantedOf(one.entry)
      if ((await this.#cache.has(wanted)) || (await this.#cache.hasTwin(wanted))) continue
      if (one.entry.digest === EMPTY_FILE) this.#cache.small(wanted, Buffer.alloc(0))
      else missing.push(one)
    }
    return missing
  }

  async #fetchParts(lacking: readonly Digest[], missing: readonly Missing[]): Promise<void> {
    const asked = new Set(lacking)
    const folders = new Set(missing.map(one => one.folder))
    const met = new Met()
    const frames = this.#source.parts(this.#tree, lacking, this.#signal)
    const incoming = new Incoming(frames, this.#signal)
    try {
      for (const [folder, bytes] of this.#trees) {
        // Whatever is asked for is missing in every folder that has it.
        if (!folders.has(folder)) continue
        const entries = decodeTree(bytes)
        const { segments, files } = partsOf({ entries }, part => asked.has(part), met)
        const within = segments.length === 0 ? undefined : bySegment(entries)
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

/** What is asked for: a file by its digest, a small one by that of its segment. */
function partOf({ entry }: Missing): Digest {
  return entry.within?.segment ?? entry.digest
}

function wantedOf({ digest, kind, size }: Entry): Wanted {
  return { digest, size, executable: kind === 'executable' }
}

function bySegment(entries: readonly Entry[]): Map<Digest, Entry[]> {
  const small = entries.filter(entry => entry.within !== undefined)
  return Map.groupBy(small, entry => entry.within!.segment)
}
