import type { Digest } from '../digest.ts'
import { FolderMaker, type Made } from '../folder.ts'
import { CHUNK_MAX, isSmall, OBJECT_MAX } from '../tree.ts'
import { FileSender } from './file-sender.ts'
import { type FolderMemo, FolderNotes, isExecutable, type Whole } from './folder-memo.ts'
import { type Channel, Outbox } from './outbox.ts'
import { LIST_MAX, RESCANNED } from './rescan.ts'
import { type Seen, seenNow, settled } from './seen.ts'
import { StatCache } from './stat-cache.ts'
import { Survey } from './survey.ts'
import { type Child, type Ignores, type Level, pathOf, realOf, refused, Walk } from './walk.ts'

export { type Channel, Outbox } from './outbox.ts'

export interface Sent {
  readonly tree: Digest
  readonly files: number
  /** Bytes of all files. */
  readonly bytes: number
  /** Bytes of the objects that had to be sent. */
  readonly sentBytes: number
}

export interface SendOptions {
  /** Instead of the default rules (walk.ts). */
  readonly ignores?: Ignores
  /** Told after each file and each piece of a large one; grows only. `total`: bytes of all files,
   * where they were counted before. */
  readonly progress?: (progress: { bytes: number; files: number; total?: number }) => void
  /** Count all bytes before any are read. */
  readonly measure?: boolean
  /** File of the folder's stat cache, read and written. */
  readonly cache?: string
  /** Read everything, whatever the stat cache says. */
  readonly fresh?: boolean
  /** Takes what is to be sent, with more from elsewhere: durable when that was flushed. Not together
   * with a stat cache. */
  readonly outbox?: Outbox
  readonly signal?: AbortSignal
}

/** After so many files others get a turn. */
const FILES_PER_TURN = 64

/** Sends a folder. When it resolves, the whole tree is durable on the other side, or in the outbox that was
 * given. INVALID_BUNDLE for
 * what a tree cannot hold and for a file that does not stand still. */
export async function sendFolder(
  folder: string,
  channel: Channel,
  options: SendOptions = {},
): Promise<Sent> {
  const walk = new Walk(options.ignores)
  const top = await walk.begin(folder)
  const { cache: file, fresh, measure = false, signal } = options
  const cache = file === undefined ? undefined : new StatCache(file, fresh)
  const survey = new Survey({ walk, cache, channel, measure, signal })
  const sender = new Sender({ walk, cache, survey, channel, options })
  try {
    await survey.run(top)
    const { tree } = await sender.folder(top)
    if (options.outbox === undefined) await sender.outbox.flush()
    cache?.commit(path => survey.saw(path))
    return { tree, files: sender.files, bytes: sender.bytes, sentBytes: sender.outbox.sentBytes }
  } catch (error) {
    cache?.commit(() => true)
    throw error
  } finally {
    sender.close()
    cache?.close()
  }
}

interface Parts {
  readonly walk: Walk
  readonly cache: StatCache | undefined
  readonly survey: Survey
  readonly channel: Channel
  readonly options: SendOptions
}

/** A folder that is being made. */
interface Making {
  readonly level: Level
  readonly maker: FolderMaker
  readonly memo: FolderMemo | undefined
  readonly notes: FolderNotes | undefined
}

class Sender {
  readonly outbox: Outbox
  readonly #parts: Parts
  readonly #files: FileSender
  /** For the segments of the folder that is being made. */
  readonly #room = Buffer.allocUnsafeSlow(CHUNK_MAX)
  #told = 0
  files = 0
  bytes = 0

  constructor(parts: Parts) {
    const { channel, options } = parts
    this.#parts = parts
    this.outbox = options.outbox ?? new Outbox(channel)
    this.#files = new FileSender({
      outbox: this.outbox,
      have: digests => channel.have(digests),
      signal: options.signal,
      read: bytes => {
        this.bytes += bytes
        this.#tell()
      },
    })
  }

  close(): void {
    this.#files.close()
  }

  /** Sends what of the folder the other side lacks. */
  async folder(level: Level): Promise<Whole> {
    const { cache, survey } = this.#parts
    const known = survey.whole(level.path)
    if (known !== undefined) return this.#skipped(known)
    await survey.ask(level)
    const before = { files: this.files, bytes: this.bytes }
    const below = await this.#below(level)
    const making: Making = {
      level,
      maker: new FolderMaker(this.#room),
      memo: cache?.folder(level.path),
      notes: cache && new FolderNotes(),
    }
    for (const child of level.children) {
      if (child.folder) placeFolder(making, child, below.get(child)!)
      else {
        const waiting = this.#file(making, child)
        if (waiting !== undefined) await waiting
      }
    }
    const tree = await this.#finish(making)
    const whole = { tree, files: this.files - before.files, bytes: this.bytes - before.bytes }
    if (making.notes !== undefined) cache?.note(level.path, making.notes.finish(whole))
    return whole
  }

  #skipped(whole: Whole): Whole {
    this.files += whole.files
    this.bytes += whole.bytes
    this.#tell()
    return whole
  }

  /** The folders in a folder, before its files: only one folder's segments are made at a time. */
  async #below(level: Level): Promise<Map<Child, Whole>> {
    const folders = new Map<Child, Whole>()
    for (const child of level.children.filter(one => one.folder)) {
      const known = this.#parts.survey.whole(pathOf(level, child))
      const whole = known
        ? this.#skipped(known)
        : await this.folder(await this.#parts.walk.enter(level, child))
      folders.set(child, whole)
    }
    return folders
  }

  async #finish({ level, maker }: Making): Promise<Digest> {
    const { digest, objects } = maker.finish()
    const tree = objects.at(-1)!.bytes
    if (tree.length > OBJECT_MAX) {
      throw refused(level.path || 'the folder', 'holds too many files', 'spread them over folders')
    }
    for (const segment of objects.slice(0, -1)) {
      await this.outbox.add(segment.digest, segment.bytes)
    }
    await this.outbox.addNaming(digest, tree)
    return digest
  }

  /** A promise only where something must be waited for: there may be very many files. */
  #file(making: Making, child: Child): Promise<void> | undefined {
    this.#parts.options.signal?.throwIfAborted()
    const seen = seenNow(child.name, pathOf(making.level, child), realOf(making.level, child))
    if (!isSmall(Number(seen.stats.size))) return this.#read(making, seen)
    const segment = this.#small(making, seen)
    if (segment === 'changed') return this.#read(making, seenNow(seen.name, seen.path, seen.source))
    return this.#counted(segment && this.outbox.add(segment.digest, segment.bytes))
  }

  /** Any file; once more if it changes meanwhile. */
  async #read(making: Making, first: Seen): Promise<void> {
    const { maker, memo, notes } = making
    const { name, path, source } = first
    const before = this.bytes
    let next: Seen | undefined = first
    await settled(path, async () => {
      this.bytes = before
      const seen: Seen = next ?? seenNow(name, path, source)
      next = undefined
      const { stats } = seen
      const size = Number(stats.size)
      if (isSmall(size)) {
        const segment = this.#small(making, seen)
        if (segment === 'changed') return segment
        if (segment !== undefined) await this.outbox.add(segment.digest, segment.bytes)
        return undefined
      }
      const same = memo?.file(name, stats)
      const digest =
        same !== undefined && this.#parts.survey.isHere(same)
          ? this.#kept(same, size)
          : await this.#sendLarge(seen, memo?.before)
      if (digest === 'changed') return digest
      const kind = isExecutable(stats) ? 'executable' : 'file'
      maker.add({ name, kind, size, digest })
      notes?.file(name, kind, stats, seen.at, digest)
      return undefined
    })
    await this.#counted()
  }

  /** Lays a small file into its folder's segments, at once; answers the segment that it completes. */
  #small({ maker, notes }: Making, seen: Seen): Made | undefined | 'changed' {
    const { at, name, path, source, stats } = seen
    const bytes = this.#files.small(path, source, stats)
    if (bytes === 'changed') return bytes
    const executable = isExecutable(stats)
    const segment = maker.small(name, executable, bytes)
    notes?.file(name, executable ? 'executable' : 'file', stats, at, maker.last!.digest)
    return segment
  }

  #counted(full?: Promise<void>): Promise<void> | undefined {
    this.files++
    this.#tell()
    if (this.files % FILES_PER_TURN !== 0) return full
    const turn = new Promise<void>(done => setImmediate(done))
    return full === undefined ? turn : full.then(() => turn)
  }

  #kept(digest: Digest, size: number): Digest {
    this.bytes += size
    if (size >= RESCANNED) this.#parts.cache?.keepList(digest)
    return digest
  }

  /** Of a very large file the list is remembered, for the day when a part of the file has changed. */
  async #sendLarge(seen: Seen, before: Digest | undefined): Promise<Digest | 'changed'> {
    const { path, source, stats } = seen
    const { cache } = this.#parts
    const old = before && stats.size >= RESCANNED ? cache?.list(before) : undefined
    const sent = await this.#files.send(path, source, stats, old)
    if (sent === 'changed') return sent
    const { digest, size, list } = sent
    if (size >= RESCANNED && list.length <= LIST_MAX) cache?.noteList(digest, list)
    return digest
  }

  /** A file that is read once more must not turn the progress back. */
  #tell(): void {
    const { options, survey } = this.#parts
    this.#told = Math.max(this.#told, this.bytes)
    const total = survey.bytes > 0 ? { total: survey.bytes } : {}
    options.progress?.({ bytes: this.#told, files: this.files, ...total })
  }
}

function placeFolder({ maker, notes }: Making, { name }: Child, { tree, bytes }: Whole): void {
  maker.add({ name, kind: 'folder', size: bytes, digest: tree })
  notes?.folder(name, tree)
}
