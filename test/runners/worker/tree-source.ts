/** Trees in a store in memory, as a worker is sent them; counts what it asks for. And a cache of a
 * worker to lay them out in. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { Trees, type TreesOptions } from '../../../runners/worker/trees.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import type { Store } from '../../../store/store.ts'
import { folderFrames, partFrames, putFolder } from '../../../store/trees.ts'

export type Files = Readonly<Record<string, string | Uint8Array>>

export class TreeSource {
  readonly #store: Store
  /** Digests of the parts that were asked for, a row for each time. */
  readonly asked: (readonly Digest[])[] = []
  /** Bytes that were sent for parts. */
  bytes = 0
  /** Ends the next answers with parts after so many bytes each. */
  readonly cuts: number[] = []
  /** What to do to bytes on their way. */
  spoil: (bytes: Uint8Array) => Uint8Array = bytes => bytes

  constructor(store: Store) {
    this.#store = store
  }

  static async open(): Promise<TreeSource> {
    return new TreeSource(await openMemoryStore())
  }

  /** Paths that end in `*` are executable. */
  async put(files: Files): Promise<Digest> {
    const items = Object.entries(files).map(([path, content]) => ({
      path: path.replace(/\*$/, ''),
      executable: path.endsWith('*'),
      content: Buffer.from(content as string),
    }))
    return (await putFolder(this.#store, items)).digest
  }

  folders(tree: Digest): AsyncGenerator<Uint8Array> {
    return folderFrames(this.#store, tree)
  }

  async *parts(tree: Digest, wanted: readonly Digest[]): AsyncGenerator<Uint8Array> {
    this.asked.push(wanted)
    let left = this.cuts.shift() ?? Number.POSITIVE_INFINITY
    for await (const frames of partFrames(this.#store, tree, new Set(wanted))) {
      const sent = this.spoil(frames.subarray(0, left))
      this.bytes += sent.length
      left -= sent.length
      yield sent
      if (left <= 0) return
    }
  }
}

export const signal = new AbortController().signal
/** A file that is cut into chunks of its own. */
export const large = (fill: string) => fill.repeat(40_000)

export interface Scene {
  readonly cache: string
  readonly source: TreeSource
  /** Another life of a worker over the same cache. */
  open(more?: Partial<TreesOptions>, needed?: Set<string>): Promise<Trees>
  lay(trees: Trees, files: Files): Promise<string>
}

export async function scene(t: TestContext): Promise<Scene> {
  const cache = mkdtempSync(join(tmpdir(), 'kaos-trees-'))
  t.after(() => rmSync(cache, { recursive: true }))
  const source = await TreeSource.open()
  return {
    cache,
    source,
    open: async (more, needed = new Set()) => {
      const given = { mostBytes: 1e9, inUse: () => new Set<string>() }
      const trees = new Trees(cache, { ...given, areProtected: async () => true, ...more })
      await trees.tidy(needed)
      return trees
    },
    lay: async (trees, files) => trees.folderOf(await source.put(files), source, signal),
  }
}

export const text = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8')
export const inode = (folder: string, path: string) => statSync(join(folder, path)).ino
export const laidIn = (cache: string) =>
  readdirSync(join(cache, 'trees')).filter(name => name[0] !== '.')

/** Paths of the files in the cache that trees are made of. */
export function filesIn(cache: string): string[] {
  const names = readdirSync(join(cache, 'files'), { recursive: true }).map(String)
  return names.map(name => join(cache, 'files', name)).filter(path => statSync(path).isFile())
}
