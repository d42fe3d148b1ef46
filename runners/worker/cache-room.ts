/* Keeps the cache of a worker within its bounds. What goes first is what no tree has, then the trees
 * that were used longest ago with what only they have. What an attempt may be using stays, also
 * where that is more than the bounds allow. */
import { lstatSync, utimesSync, writeFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFolder } from '../remove-folder.ts'
import type { CachedFile, FileCache } from './file-cache.ts'
import { within } from './laid.ts'

export interface Bounds {
  /** Nothing goes while there are no more bytes than this. */
  readonly most: number
  /** If something goes, then until there are no more than this. */
  readonly least: number
}

export interface Tree {
  readonly name: string
  readonly path: string
  readonly usedMs: number
}

class Room {
  readonly #files = new Map<number, CachedFile>()
  bytes = 0

  async look(cache: FileCache): Promise<void> {
    for await (const file of cache.files()) {
      this.#files.set(file.inode, file)
      this.bytes += file.size
    }
  }

  /** Adds the bytes that only this tree has: copies. */
  async count({ path }: Tree): Promise<void> {
    for await (const { stats } of within(path)) {
      if (stats.isFile() && !this.#files.has(stats.ino)) this.bytes += stats.size
    }
  }

  /** Files that no tree has, the one that was let go first before all others. */
  async dropIdle(least: number): Promise<void> {
    const idle = [...this.#files.values()].filter(one => one.trees === 0)
    idle.sort((a, b) => a.changedMs - b.changedMs)
    for (const file of idle) {
      if (this.bytes <= least) return
      // A tree may have got it since we looked.
      if (lstatSync(file.path, { throwIfNoEntry: false })?.nlink === 1) await this.#drop(file)
    }
  }

  async dropTree(folder: string, { name, path }: Tree): Promise<void> {
    const links = new Map<number, number>()
    for await (const { stats } of within(path)) {
      if (!stats.isFile()) continue
      if (this.#files.has(stats.ino))
        links.set(stats.ino, (links.get(stats.ino) ?? stats.nlink) - 1)
      else this.bytes -= stats.size
    }
    await removeTree(folder, name)
    for (const [inode, left] of links) {
      if (left === 1) await this.#drop(this.#files.get(inode)!)
    }
  }

  async #drop(file: CachedFile): Promise<void> {
    await rm(file.path, { force: true })
    this.#files.delete(file.inode)
    this.bytes -= file.size
  }
}

/** Answers how many bytes there are then. `inUse`: names of trees that stay. `alone` calls when no tree
 * is being made of what is here. */
export async function makeRoom(
  cache: FileCache,
  trees: string,
  { least, most }: Bounds,
  inUse: () => ReadonlySet<string>,
  alone: (drop: () => Promise<void>) => Promise<void>,
): Promise<number> {
  const room = new Room()
  await room.look(cache)
  for (const tree of await treesIn(trees)) await room.count(tree)
  if (room.bytes <= most) return room.bytes
  await alone(async () => {
    await room.dropIdle(least)
    for (const tree of await treesIn(trees)) {
      if (room.bytes <= least) break
      if (!inUse().has(tree.name)) await room.dropTree(trees, tree)
    }
  })
  return room.bytes
}

/** The one used longest ago first. */
export async function treesIn(folder: string): Promise<Tree[]> {
  const trees: Tree[] = []
  for (const name of await readdir(folder)) {
    if (name.startsWith('.')) continue
    const used = lstatSync(markOf(folder, name), { throwIfNoEntry: false })
    trees.push({ name, path: join(folder, name), usedMs: used?.mtimeMs ?? 0 })
  }
  return trees.sort((a, b) => a.usedMs - b.usedMs)
}

/** Says that the tree is used now. */
export function markUsed(folder: string, name: string): void {
  const now = new Date()
  try {
    utimesSync(markOf(folder, name), now, now)
  } catch {
    writeFileSync(markOf(folder, name), '')
  }
}

/** Removes a tree that nobody uses. */
export async function removeTree(folder: string, name: string): Promise<void> {
  await removeFolder(join(folder, name))
  await rm(markOf(folder, name), { force: true })
}

/** A file whose time says when a tree was last used: looking through a tree changes the tree's own. */
function markOf(folder: string, name: string): string {
  return join(folder, `.used-${name}`)
}
