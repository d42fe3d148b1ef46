/* The folder that a user works on: it holds the first version, and is changed into the second and back
 * as people do it, in place, so that a stat cache has the right to be fast. */
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { filesIn, type Made, sumOf } from './making.ts'

export interface Versions {
  readonly v1: Made
  /** Files to be laid over it. */
  readonly changes: Made | undefined
}

export class Work {
  readonly folder: string
  readonly #versions: Versions
  #changed = false

  constructor(folder: string, versions: Versions) {
    this.folder = folder
    this.#versions = versions
    cpSync(versions.v1.folder, folder, { recursive: true })
  }

  change(): void {
    const { changes } = this.#versions
    if (changes === undefined || this.#changed) return
    for (const path of filesIn(changes.folder)) place(changes.folder, this.folder, path)
    this.#changed = true
  }

  revert(): void {
    const { v1, changes } = this.#versions
    if (changes === undefined || !this.#changed) return
    for (const path of filesIn(changes.folder)) {
      if (existsSync(join(v1.folder, path))) place(v1.folder, this.folder, path)
      else rmSync(join(this.folder, dirname(path)), { recursive: true, force: true })
    }
    this.#changed = false
  }

  /** The sum of what is in it now. */
  sum(): string {
    return this.#changed ? sumOf(this.folder) : this.#versions.v1.sha256
  }
}

/** A new file takes the place of the old one, as most editors and programs do it. */
function place(from: string, to: string, path: string): void {
  const target = join(to, path)
  rmSync(target, { force: true })
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(join(from, path), target)
}
