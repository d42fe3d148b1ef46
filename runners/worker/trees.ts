/* Trees on this host's disk: `<cache>/<hex>/`, read-only files, each fetched once whoever asks. A tree
 * appears whole or not at all, so what is there is good, as long as this boot lasts: files are not
 * synced one by one, so a power loss may leave holes, and another boot starts with an empty cache. */
import { access, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf, isDigest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { receiveTree } from '../../api/transfer/receive.ts'
import { removeFolder } from '../remove-folder.ts'
import { patiently } from './patience.ts'

/** The frames of a tree, as the attempts API sends them. */
export type Source = (digest: Digest, signal: AbortSignal) => AsyncIterable<Uint8Array>

const BOOT = '.boot'
const UNUSED_MS = 14 * 24 * 3600 * 1000
/** Bytes that are not what was asked for: once can be the wire, more often is the server. */
const WRONG_MAX = 3

export class Trees {
  readonly #folder: string
  readonly #underway = new Map<Digest, Promise<void>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Removes what a crash left half done, and what nobody has used for two weeks. `needed`: hex digits
   * of trees that programs may be reading now. */
  async tidy(needed: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const sameBoot = await this.#sameBoot()
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name)
      if (needed.has(name) || name === BOOT) continue
      const { mtimeMs } = await stat(path)
      if (!sameBoot || name.startsWith('.') || Date.now() - mtimeMs > UNUSED_MS) {
        await removeFolder(path)
      }
    }
    await writeFile(join(this.#folder, BOOT), (await bootId()) ?? '')
  }

  async #sameBoot(): Promise<boolean> {
    const now = await bootId()
    const then = await readFile(join(this.#folder, BOOT), 'utf8').catch(() => undefined)
    return now !== undefined && now === then
  }

  /** The folder that holds this tree; not to be written. */
  async folderOf(digest: Digest, source: Source, signal: AbortSignal): Promise<string> {
    // It came with an order, and becomes a path.
    if (!isDigest(digest)) throw new KaosError('BAD_REQUEST', `${digest} is no digest of a tree`)
    const path = join(this.#folder, hexOf(digest))
    while (!(await exists(path))) {
      const other = this.#underway.get(digest)
      if (other === undefined) {
        const fetching = this.#fetch(digest, path, source, signal)
        this.#underway.set(digest, fetching)
        await fetching.finally(() => this.#underway.delete(digest))
      } else {
        // Whose signal was aborted is its own affair: then it is our turn.
        await other.catch(() => {})
        signal.throwIfAborted()
      }
    }
    await utimes(path, new Date(), new Date())
    return path
  }

  async #fetch(digest: Digest, path: string, source: Source, signal: AbortSignal): Promise<void> {
    for (let wrong = 0; ; ) {
      try {
        return await patiently(async () => {
          await receiveTree(source(digest, signal), digest, path, { readOnly: true, signal })
        }, signal)
      } catch (error) {
        if (await exists(path)) return
        if (!isKaosError(error, 'DIGEST_MISMATCH') || ++wrong >= WRONG_MAX) throw error
      }
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Linux names each boot; elsewhere no boot is known to be the same. */
function bootId(): Promise<string | undefined> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined)
}
