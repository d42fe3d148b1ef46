/* Looking at a folder before it is sent: what is as it was when it was last read (stat-cache.ts), and
 * which of that the other side lacks all the same. Reads no file. */
import { type BigIntStats, lstatSync } from 'node:fs'
import type { Digest } from '../digest.ts'
import { isSmall } from '../tree.ts'
import type { FolderMemo, Whole } from './folder-memo.ts'
import type { Channel } from './outbox.ts'
import { HAVE_MAX } from './protocol.ts'
import { RESCANNED } from './rescan.ts'
import type { StatCache } from './stat-cache.ts'
import { type Child, type Level, pathOf, realOf, unreadable, type Walk } from './walk.ts'

/** Digests that are remembered as missing; if there are more, all count as missing. */
const MISSING_MAX = 100_000
/** After so many files others get a turn. */
const FILES_PER_TURN = 1000

/** What a file is now. */
export function statsOf(path: string, source: string): BigIntStats {
  try {
    return lstatSync(source, { bigint: true })
  } catch (error) {
    throw unreadable(path, error)
  }
}

interface Options {
  readonly walk: Walk
  readonly cache: StatCache | undefined
  readonly channel: Channel
  /** Look at every folder, so that `bytes` is all there is to read. */
  readonly measure: boolean
  readonly signal: AbortSignal | undefined
}

export class Survey {
  readonly #options: Options
  /** Folders in which nothing changed, by their path. */
  readonly #unchanged = new Map<string, Whole>()
  readonly #seen = new Set<string>()
  readonly #missing = new Set<Digest>()
  #questions: Digest[] = []
  #asking: Promise<void> = Promise.resolve()
  #files = 0
  /** Of all files, once everything was looked at. */
  bytes = 0

  constructor(options: Options) {
    this.#options = options
  }

  /** Looks at everything, and asks for the largest parts that did not change. */
  async run(top: Level): Promise<void> {
    const { cache, measure } = this.#options
    if ((cache === undefined || cache.isEmpty) && !measure) return
    const whole = await this.#folder(top)
    if (whole !== undefined) this.#question(whole.tree)
    await this.#answered()
  }

  /** What the folder was and still is, if the other side has it. */
  whole(path: string): Whole | undefined {
    const whole = this.#unchanged.get(path)
    return whole && this.isHere(whole.tree) ? whole : undefined
  }

  /** Whether there is a folder of this path. */
  saw(path: string): boolean {
    return this.#seen.has(path)
  }

  /** Of a digest that was asked for. */
  isHere(digest: Digest): boolean {
    return this.#missing.size <= MISSING_MAX && !this.#missing.has(digest)
  }

  /** Asks for what is in a folder that did not change, but that the other side lacks. */
  async ask(level: Level): Promise<void> {
    if (!this.#unchanged.has(level.path)) return
    const memo = this.#options.cache?.folder(level.path)
    for (const child of level.children) {
      const path = pathOf(level, child)
      const digest = child.folder
        ? this.#unchanged.get(path)?.tree
        : memo && largeIn(memo, child, statsOf(path, realOf(level, child)))
      if (digest !== undefined) this.#question(digest)
    }
    await this.#answered()
  }

  async #folder(level: Level): Promise<Whole | undefined> {
    const { walk, cache, measure, signal } = this.#options
    signal?.throwIfAborted()
    this.#seen.add(level.path)
    const memo = cache?.folder(level.path)
    if (memo === undefined && !measure) return undefined
    let same = memo !== undefined && memo.count === level.children.length
    const known: Digest[] = []
    for (const child of level.children) {
      if (child.folder) {
        const whole = await this.#folder(await walk.enter(level, child))
        if (whole !== undefined) known.push(whole.tree)
        same &&= whole !== undefined && memo?.folder(child.name) === whole.tree
        continue
      }
      const stats = statsOf(pathOf(level, child), realOf(level, child))
      this.bytes += Number(stats.size)
      const digest = memo?.file(child.name, stats)
      if (digest !== undefined && stats.size >= RESCANNED) cache?.keepList(digest)
      if (digest === undefined) same = false
      else if (!isSmall(Number(stats.size))) known.push(digest)
      if (++this.#files % FILES_PER_TURN === 0) await new Promise(done => setImmediate(done))
    }
    const whole = same ? memo?.whole : undefined
    if (whole !== undefined) this.#unchanged.set(level.path, whole)
    else for (const digest of known) this.#question(digest)
    return whole
  }

  #question(digest: Digest): void {
    this.#questions.push(digest)
    if (this.#questions.length === HAVE_MAX) this.#send()
  }

  #send(): void {
    const asked = this.#questions
    this.#questions = []
    if (asked.length === 0 || this.#missing.size > MISSING_MAX) return
    this.#asking = this.#asking.then(async () => {
      const here = await this.#options.channel.have(asked)
      for (const [i, digest] of asked.entries()) if (!here[i]) this.#missing.add(digest)
    })
    // Waited for at the end; until then a failure must not count as unhandled.
    this.#asking.catch(() => undefined)
  }

  async #answered(): Promise<void> {
    this.#send()
    await this.#asking
  }
}

/** The digest of a file that has a list of its own and is as it was. */
function largeIn(memo: FolderMemo, { name }: Child, stats: BigIntStats): Digest | undefined {
  return isSmall(Number(stats.size)) ? undefined : memo.file(name, stats)
}
