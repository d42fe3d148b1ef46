/* Whether what was sent may become a fact: every object of it is here, and the session may use
 * each. What it may not use is treated as not there, so both look the same from outside. */
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import type { Chunk } from '../../api/tree.ts'
import type { Store } from '../../store/store.ts'
import {
  type Closure,
  type Completed,
  type Extent,
  type Looking,
  requireComplete,
} from '../../store/trees.ts'

/** A tree can name the same folder again and again: what a reader would be sent is bounded. */
const ENTRIES_MAX = 10_000_000
/** So many chunks are asked for at once. */
const SLICE = 1024

type MayUse = (digest: Digest) => boolean

/** BAD_REQUEST, naming path and digest, when anything of the tree is missing or wrong. */
export async function requireTree(
  store: Store,
  mayUse: MayUse,
  tree: Digest,
  looks: { known?: Completed | undefined; found?: Closure } = {},
): Promise<Extent> {
  const extent = await requireComplete(visible(store, mayUse), tree, looks)
  if (extent.files + extent.folders <= ENTRIES_MAX) return extent
  throw new KaosError('BAD_REQUEST', `a folder may have ${ENTRIES_MAX} files and folders`)
}

/** The same for one file outside any tree. */
export async function requireFile(store: Store, mayUse: MayUse, file: Digest): Promise<void> {
  const seen = visible(store, mayUse)
  let slice: Chunk[] = []
  for (const chunk of chunksIn(await seen.get(file))) {
    slice.push(chunk)
    if (slice.length < SLICE) continue
    await requireChunks(seen, slice)
    slice = []
  }
  await requireChunks(seen, slice)
}

async function requireChunks(seen: Looking, chunks: readonly Chunk[]): Promise<void> {
  const sizes = await seen.sizes(chunks.map(chunk => chunk.digest))
  const wrong = chunks.find((chunk, i) => sizes[i] !== chunk.length)
  if (wrong) throw unknown(wrong.digest)
}

/** The store as somebody sees it who may use only some of its objects. */
function visible(store: Store, mayUse: MayUse): Looking {
  return {
    async get(digest) {
      // What a collector has condemned can still be read, but will not stay.
      if (!mayUse(digest) || !(await store.has([digest])).includes(true)) throw unknown(digest)
      return store.get(digest)
    },
    async sizes(digests) {
      const sizes = await store.sizes(digests)
      return sizes.map((size, i) => (mayUse(digests[i] as Digest) ? size : undefined))
    },
  }
}

function unknown(digest: Digest): KaosError {
  const message = `the object ${digest} was not sent; send it again`
  return new KaosError('OBJECT_UNKNOWN', message, { detail: { digest } })
}
