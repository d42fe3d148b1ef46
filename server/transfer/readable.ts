/* Which objects a workspace's entities are made of. `have` says "here" only of these (and of what
 * the session sent itself): knowing a digest gives nobody anything.
 *
 * A cache over the ledger: built when first asked for, newest entities first, then kept up with what
 * is added. Bounded: what no longer fits is said to be missing, and is sent once more. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { decodeFile, decodeTree } from '../../api/tree.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import type { Workspaces } from '../parts.ts'
import { DigestSet } from './digest-set.ts'

const DIGESTS_MAX = 1_000_000
const WORKSPACES_CACHED = 8
/** Of what is new since the last look, and of all that there is. */
const NEW_PAGE = 50
const PAGE = 1000

export interface Readable {
  of(workspace: string): Promise<DigestSet>
}

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly workspaces: Workspaces
}

interface Cached {
  readonly digests: DigestSet
  /** Entities of statements up to this one are in. */
  seq: number
  /** The last reading; the next waits for it. */
  reading: Promise<void>
}

export function openReadable({ ledger, store, workspaces }: Options): Readable {
  const cache = new Map<string, Cached>()

  function cachedOf(workspace: string): Cached {
    const cached = cache.get(workspace) ?? newCached()
    cache.delete(workspace)
    cache.set(workspace, cached)
    const oldest = cache.keys().next().value
    if (cache.size > WORKSPACES_CACHED && oldest !== undefined) cache.delete(oldest)
    return cached
  }

  async function readNew(workspace: string, cached: Cached): Promise<void> {
    const found = await workspaces.byId(workspace)
    if (!found) return
    const { organisation } = found
    const until = cached.seq
    for (let olderThan: string | undefined; ; ) {
      const limit = until >= 0 && olderThan === undefined ? NEW_PAGE : PAGE
      const query = {
        organisation,
        workspace,
        limit,
        ...(olderThan !== undefined && { olderThan }),
      }
      const page = await ledger.nodes(query)
      for (const node of page) {
        if (node.seq <= until) return
        await addContent(store, cached.digests, node)
        cached.seq = Math.max(cached.seq, node.seq)
      }
      if (page.length < limit) return
      olderThan = page.at(-1)?.id
    }
  }

  return {
    async of(workspace) {
      const cached = cachedOf(workspace)
      const reading = cached.reading.then(() => readNew(workspace, cached))
      cached.reading = reading.catch(() => {
        // Half read: the next one begins anew.
        if (cache.get(workspace) === cached) cache.delete(workspace)
      })
      await reading
      return cached.digests
    },
  }
}

function newCached(): Cached {
  return { digests: new DigestSet(), seq: -1, reading: Promise.resolve() }
}

async function addContent(store: Store, digests: DigestSet, node: Node): Promise<void> {
  if (node.class !== 'entity' || node.digest === undefined) return
  const bytes = await soundBytes(store, digests, node.digest)
  if (!bytes) return
  if (bytes.subarray(0, 2).toString('latin1') === 'KT') await addTree(store, digests, bytes)
  else addList(digests, bytes)
}

async function addTree(store: Store, digests: DigestSet, tree: Uint8Array): Promise<void> {
  for (const { kind, digest } of decodeTree(tree)) {
    const bytes = await soundBytes(store, digests, digest)
    if (!bytes) continue
    if (kind === 'folder') await addTree(store, digests, bytes)
    else addList(digests, bytes)
  }
}

function addList(digests: DigestSet, list: Uint8Array): void {
  for (const { digest } of decodeFile(list)) digests.add(digest)
}

/** The object, now among the digests; undefined when it was already, is damaged, or no longer fits. */
async function soundBytes(
  store: Store,
  digests: DigestSet,
  digest: Digest,
): Promise<Buffer | undefined> {
  if (digests.size >= DIGESTS_MAX || digests.has(digest)) return undefined
  try {
    const { buffer, byteOffset, byteLength } = await store.get(digest)
    digests.add(digest)
    return Buffer.from(buffer, byteOffset, byteLength)
  } catch (error) {
    if (isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED'))
      return undefined
    throw error
  }
}
