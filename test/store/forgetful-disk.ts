import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { diskFiles, type Files } from '../../store/disk/files.ts'

/** A file as it is, and how much of it a power loss leaves. */
interface Kept {
  bytes: Buffer
  synced: number
}

export interface Options {
  /** Whether a name that was taken away comes back unless its folder was synced since. */
  readonly removalsComeBack: boolean
  /** Whether the disk does what it is told when it is told to sync. */
  readonly syncs: boolean
}

/** The disk, and what a power loss would leave of it: of a file the bytes that were synced, of a
 * folder the names that were synced. That is less than most file systems keep, and all they promise. */
export class ForgetfulDisk {
  readonly files: Files
  /** Steps that change what a power loss leaves, or what it takes. */
  steps = 0
  readonly #root: string
  readonly #now = new Map<string, Kept>()
  readonly #durable = new Map<string, Kept>()
  #cutAt = Infinity

  constructor(root: string, { removalsComeBack, syncs }: Options) {
    this.#root = root
    this.files = {
      create: async path => {
        this.#step()
        const kept: Kept = { bytes: Buffer.alloc(0), synced: 0 }
        this.#now.set(path, kept)
        const file = await diskFiles.create(path)
        return {
          write: async bytes => {
            this.#step()
            kept.bytes = Buffer.concat([kept.bytes, bytes])
            await file.write(bytes)
          },
          sync: async () => {
            this.#step()
            if (syncs) kept.synced = kept.bytes.length
          },
          close: () => file.close(),
        }
      },
      rename: async (from, to) => {
        this.#step()
        this.#now.set(to, this.#now.get(from)!)
        this.#now.delete(from)
        await diskFiles.rename(from, to)
      },
      remove: async path => {
        this.#step()
        this.#now.delete(path)
        if (!removalsComeBack) this.#durable.delete(path)
        await diskFiles.remove(path)
      },
      syncFolder: async folder => {
        this.#step()
        if (!syncs) return
        for (const path of this.#durable.keys()) {
          if (dirname(path) === folder) this.#durable.delete(path)
        }
        for (const [path, kept] of this.#now) {
          if (dirname(path) === folder) this.#durable.set(path, kept)
        }
      },
    }
  }

  /** The power goes before this step. */
  cutAt(step: number): void {
    this.#cutAt = step
  }

  /** Lays what is left into a folder. */
  async lay(folder: string): Promise<void> {
    for (const [path, { bytes, synced }] of this.#durable) {
      const target = join(folder, relative(this.#root, path))
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, bytes.subarray(0, synced))
    }
  }

  #step(): void {
    this.steps++
    if (this.steps >= this.#cutAt) throw new Error('the power is gone')
  }
}
