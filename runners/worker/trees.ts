/* Trees on this host's disk: `trees/<hex>/`, read-only, laid out once for whoever asks. They are made of
 * the files in `files/`, which all trees share (file-cache.ts): as links where programs see them
 * through mounts that nobody can write through, else as copies. Never a link that can be written.
 *
 * A tree appears whole or not at all. Before it is given out again it is looked through: one that
 * somebody has written into is put aside, for whoever may be reading it, and laid out anew. Files
 * are not synced one by one, so a power loss may leave holes: another boot begins without trees. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf, isDigest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { bootId } from '../boot.ts'
import { removeFolder } from '../remove-folder.ts'
import { makeRoom, markUsed, removeTree, treesIn } from './cache-room.ts'
import { type Source, TreeFetch } from './fetch-tree.ts'
import { DiskFull, FileCache } from './file-cache.ts'
import { isAsLaid, isThere } from './laid.ts'
import { patiently } from './patience.ts'

export interface TreesOptions {
  /** Bytes to keep at most, but for what is in use. */
  readonly mostBytes: number
  /** Hex digits of trees that programs may be reading now, or are about to. */
  inUse(): ReadonlySet<string>
  /** Whether programs cannot write into what they are given, whoever they run as. */
  areProtected(): Promise<boolean>
}

const BOOT = '.boot'
const UNUSED_MS = 14 * 24 * 3600 * 1000
/** Bytes that are not what was asked for: once can be the wire, more often is the server. */
const WRONG_MAX = 3
/** When there is too much, so much of the bound is left. */
const LEFT = 0.8

export class Trees {
  readonly #folder: string
  readonly #files: FileCache
  readonly #options: TreesOptions
  readonly #underway = new Map<Digest, Promise<void>>()
  /** Bytes when they were last counted; undefined before. */
  #counted: number | undefined
  #making: Promise<void> | undefined
  #dropping: Promise<void> | undefined

  constructor(folder: string, options: TreesOptions) {
    this.#folder = join(folder, 'trees')
    this.#files = new FileCache(join(folder, 'files'))
    this.#options = options
  }

  /** Removes what a crash left half done, and what nobody has used for two weeks. `needed`: hex digits
   * of trees that programs may be reading now. */
  async tidy(needed: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    await this.#files.open()
    const sameBoot = await this.#sameBoot()
    for (const { name, usedMs } of await treesIn(this.#folder)) {
      const old = Date.now() - usedMs > UNUSED_MS
      if (!needed.has(name) && (old || !sameBoot)) await removeTree(this.#folder, name)
    }
    for (const name of await readdir(this.#folder)) {
      if (name.startsWith('.kaos-')) await removeFolder(join(this.#folder, name))
    }
    if (!sameBoot) await this.#files.doubtAll()
    await writeFile(join(this.#folder, BOOT), bootId() ?? '')
  }

  async #sameBoot(): Promise<boolean> {
    const now = bootId()
    const then = await readFile(join(this.#folder, BOOT), 'utf8').catch(() => undefined)
    return now !== undefined && now === then
  }

  /** The folder that holds this tree; not to be written. */
  async folderOf(digest: Digest, source: Source, signal: AbortSignal): Promise<string> {
    // It came with an order, and becomes a path.
    if (!isDigest(digest)) throw new KaosError('BAD_REQUEST', `${digest} is no digest of a tree`)
    const path = join(this.#folder, hexOf(digest))
    for (let cleared = false; ; ) {
      // Whose signal was aborted is its own affair: then it is our turn. And no tree is made of files
      // while some of them go.
      const other = this.#underway.get(digest) ?? this.#dropping
      if (other !== undefined) {
        await other.catch(() => {})
        signal.throwIfAborted()
        continue
      }
      try {
        await this.#alone(digest, this.#bring(digest, path, source, signal))
        break
      } catch (error) {
        if (!isFull(error)) throw error
        if (cleared) throw full(error)
        cleared = true
        await this.makeRoom(0)
      }
    }
    if (this.#isTooMuch) this.makeRoom().catch(() => {})
    return path
  }

  /** Drops what is too much, if anything. One after the other. */
  makeRoom(mostBytes: number = this.#options.mostBytes): Promise<void> {
    const before = this.#making
    const making = (async () => {
      await before?.catch(() => {})
      const bounds = { most: mostBytes, least: mostBytes * LEFT }
      const { inUse } = this.#options
      this.#files.added = 0
      const alone = (drop: () => Promise<void>) => this.#whileNoneIsBrought(drop)
      this.#counted = await makeRoom(this.#files, this.#folder, bounds, inUse, alone)
    })()
    this.#making = making
    return making
  }

  async #whileNoneIsBrought(drop: () => Promise<void>): Promise<void> {
    this.#dropping = Promise.allSettled(this.#underway.values()).then(drop)
    await this.#dropping.finally(() => {
      this.#dropping = undefined
    })
  }

  /** Before the first count nobody knows. */
  get #isTooMuch(): boolean {
    const { added } = this.#files
    if (this.#counted === undefined) return added > 0
    return this.#counted + added > this.#options.mostBytes
  }

  async #alone(digest: Digest, bringing: Promise<void>): Promise<void> {
    this.#underway.set(digest, bringing)
    await bringing.finally(() => this.#underway.delete(digest))
  }

  async #bring(digest: Digest, path: string, source: Source, signal: AbortSignal): Promise<void> {
    if (isThere(path) && !(await isAsLaid(path))) {
      await rename(path, join(this.#folder, `.kaos-${newId()}`))
    }
    if (!isThere(path))
      await this.#fetch(new TreeFetch(this.#files, source, digest, signal), path, signal)
    markUsed(this.#folder, hexOf(digest))
  }

  async #fetch(fetch: TreeFetch, path: string, signal: AbortSignal): Promise<void> {
    const as = (await this.#options.areProtected()) ? 'link' : 'copy'
    for (let wrong = 0; ; ) {
      try {
        await patiently(() => fetch.fill(), signal)
        return await fetch.layOut(path, as)
      } catch (error) {
        if (!isKaosError(error, 'DIGEST_MISMATCH') || ++wrong >= WRONG_MAX) throw error
      }
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof DiskFull || isKaosError(error, 'STORAGE_FULL')
}

function full(cause: unknown): KaosError {
  const message = 'the disk of this worker is too full for the inputs; make room there'
  return new KaosError('STORAGE_FULL', message, { cause })
}
