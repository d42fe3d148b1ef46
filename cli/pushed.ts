/* What is remembered of folders that were pushed, among what can be made anew: how their files looked
 * (api/transfer/stat-cache.ts), and the upload that was under way, so that a push that was interrupted
 * goes on where it was. */
import { createHash } from 'node:crypto'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** Folders that are remembered; those pushed longest ago are forgotten first. */
const REMEMBERED = 100

export class PushedFolder {
  readonly #place: string
  readonly #upload: string

  /** `cacheHome`: where programs keep what can be made anew; `where`: server and workspace. */
  constructor(cacheHome: string, folder: string, where: string) {
    const real = realpathSync(folder)
    this.#place = join(cacheHome, 'kaos', 'pushed')
    this.#upload = this.#file(`${where} ${real}`, 'upload')
    this.stats = this.#file(real, 'stat')
    // A folder is pushed whether or not it can be remembered.
    attempt(() => mkdirSync(this.#place, { recursive: true, mode: 0o700 }))
    attempt(() => this.#prune())
  }

  /** File of the stat cache, the same for all servers. */
  readonly stats: string

  /** The upload that was not finished. */
  get upload(): string | undefined {
    return attempt(() => readFileSync(this.#upload, 'utf8')) || undefined
  }

  /** Undefined: there is none any more. */
  set upload(id: string | undefined) {
    attempt(() => {
      if (id === undefined) return rmSync(this.#upload, { force: true })
      const part = `${this.#upload}.${process.pid}`
      writeFileSync(part, id, { mode: 0o600 })
      renameSync(part, this.#upload)
    })
  }

  #file(key: string, kind: string): string {
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32)
    return join(this.#place, `${name}.${kind}`)
  }

  #prune(): void {
    const names = readdirSync(this.#place)
    if (names.length <= REMEMBERED) return
    const files = names.map(name => {
      const path = join(this.#place, name)
      return { path, at: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }
    })
    files.sort((one, other) => one.at - other.at)
    for (const { path } of files.slice(0, -REMEMBERED)) rmSync(path, { force: true })
  }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
