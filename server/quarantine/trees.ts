/* Everything in a folder, the folders in it as well: walkTree names files only. */
import type { Digest } from '../../api/digest.ts'
import type { Entry } from '../../api/tree.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf } from '../../store/trees.ts'

export type Source = Pick<Store, 'get'>

export async function* treeOf(
  store: Source,
  tree: Digest,
): AsyncGenerator<{ readonly entry: Entry }> {
  const seen = new Set<Digest>([tree])
  const folders = [tree]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesOf(store, folder)) {
      yield { entry }
      // The same folder again has nothing new in it.
      if (entry.kind !== 'folder' || seen.has(entry.digest)) continue
      seen.add(entry.digest)
      folders.push(entry.digest)
    }
  }
}
