/* Whether what was sent may become a fact: every object of it is here, and the session may use
 * each. What it may not use is treated as not there, so both look the same from outside. */
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import type { Store } from '../../store/store.ts'
import { type Extent, requireComplete } from '../../store/trees.ts'

/** A tree can name the same folder again and again: what a reader would be sent is bounded. */
const ENTRIES_MAX = 10_000_000

type MayUse = (digest: Digest) => boolean

/** BAD_REQUEST, naming path and digest, when anything of the tree is missing or wrong. */
export async function requireTree(store: Store, mayUse: MayUse, tree: Digest): Promise<Extent> {
  const extent = await requireComplete(visible(store, mayUse), tree)
  if (extent.files + extent.folders <= ENTRIES_MAX) return extent
  throw new KaosError('BAD_REQUEST', `a folder may have ${ENTRIES_MAX} files and folders`)
}

/** The same for one file outside any tree. */
export async function requireFile(store: Store, mayUse: MayUse, file: Digest): Promise<void> {
  const seen = visible(store, mayUse)
  const chunks = [...chunksIn(await seen.get(file))]
  const sizes = await seen.sizes(chunks.map(chunk => chunk.digest))
  const wrong = chunks.find((chunk, i) => sizes[i] !== chunk.length)
  if (wrong) throw unknown(wrong.digest)
}

/** The store as somebody sees it who may use only some of its objects. */
function visible(store: Store, mayUse: MayUse): Store {
  return {
    id: store.id,
    async get(digest) {
      if (!mayUse(digest)) throw unknown(digest)
      return store.get(digest)
    },
    async has(digests) {
      const here = await store.has(digests)
      return here.map((one, i) => one && mayUse(digests[i] as Digest))
    },
    async sizes(digests) {
      const sizes = await store.sizes(digests)
      return sizes.map((size, i) => (mayUse(digests[i] as Digest) ? size : undefined))
    },
    put: objects => store.put(objects),
    remove: digests => store.remove(digests),
    list: () => store.list(),
    check: () => store.check(),
    stats: () => store.stats(),
    close: () => store.close(),
  }
}

function unknown(digest: Digest): KaosError {
  const message = `the object ${digest} was not sent; send it again`
  return new KaosError('OBJECT_UNKNOWN', message, { detail: { digest } })
}
