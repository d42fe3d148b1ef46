/* Every file of a tree. */
import type { Digest } from '../api/digest.ts'
import { KaosError } from '../api/errors.ts'
import { DEPTH_MAX } from '../api/transfer/protocol.ts'
import type { Entry } from '../api/tree.ts'
import { entriesOf, type Source } from './contents.ts'

export interface TreeFile {
  /** Below the tree, with `/`. */
  readonly path: string
  readonly entry: Entry
}

/** The files of the tree and of all folders below, in the order of trees: by the bytes of names, a
 * folder's files in its place. Folders without files do not appear. */
export async function* walkTree(
  store: Source,
  tree: Digest,
): AsyncGenerator<TreeFile, void, undefined> {
  const levels = [{ path: '', entries: await entriesOf(store, tree), next: 0 }]
  for (let top = levels.at(-1); top !== undefined; top = levels.at(-1)) {
    const entry = top.entries[top.next++]
    if (entry === undefined) {
      levels.pop()
      continue
    }
    const path = top.path === '' ? entry.name : `${top.path}/${entry.name}`
    if (entry.kind !== 'folder') yield { path, entry }
    else if (levels.length > DEPTH_MAX) throw new KaosError('BAD_REQUEST', 'the tree is too deep')
    else levels.push({ path, entries: await entriesOf(store, entry.digest), next: 0 })
  }
}
