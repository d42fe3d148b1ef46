/* A part of a tree: only some of its files, in the folders in which they lie. */
import type { Digest } from '../api/digest.ts'
import type { Entry } from '../api/tree.ts'
import { entriesOf } from './contents.ts'
import { type Made, type Making, objectsOfFolder } from './making.ts'

/** The tree with only the files whose path (below the tree, with `/`) fits, and the folders on their
 * way; undefined if there are none. What it needs is in the store when it resolves, but nothing
 * keeps it there. */
export async function selectTree(
  store: Making,
  tree: Digest,
  matches: (path: string) => boolean,
): Promise<Digest | undefined> {
  let root: Made | undefined
  async function* objects() {
    root = yield* selected(store, tree, '', matches)
  }
  await store.put(objects())
  return root?.digest
}

async function* selected(
  store: Making,
  tree: Digest,
  path: string,
  matches: (path: string) => boolean,
): AsyncGenerator<Uint8Array, Made | undefined, undefined> {
  const entries = await entriesOf(store, tree)
  const chosen: Entry[] = []
  let changed = false
  for (const entry of entries) {
    const below = path === '' ? entry.name : `${path}/${entry.name}`
    if (entry.kind === 'folder') {
      const made = yield* selected(store, entry.digest, below, matches)
      changed ||= made?.digest !== entry.digest
      if (made !== undefined) chosen.push({ name: entry.name, kind: 'folder', ...made })
    } else if (matches(below)) chosen.push(entry)
    else changed = true
  }
  if (chosen.length === 0) return undefined
  if (!changed) return { digest: tree, size: chosen.reduce((sum, { size }) => sum + size, 0) }
  return yield* objectsOfFolder(store, chosen)
}
