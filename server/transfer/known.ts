/* Which objects each workspace's entities are made of. `have` says "here" only of these (and of what
 * the session sent itself): knowing a digest gives nobody anything.
 *
 * A cache over the ledger: built when first asked for, newest entities first, then kept up with what
 * is added. What was looked at when it was accepted is not looked at again when it has become an
 * entity. Bounded: what no longer fits is said to be missing, and is sent once more. */
import type { Digest } from '../../api/digest.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import type { Closure } from '../../store/trees.ts'
import type { Workspaces } from '../parts.ts'
import { Contents } from './contents.ts'

/** Digests of one workspace, and of all together but the one used last: 41 to 164 bytes each. */
const DIGESTS_MAX = 750_000
const WORKSPACES_CACHED = 8
/** Trees that were accepted, and are not yet seen as entities. */
const ACCEPTED_MAX = 16
const PAGE = 1000

export interface Known {
  /** Of all that the ledger holds now. */
  of(workspace: string): Promise<Contents>
  /** Of what was in the ledger at some time: enough to know that something may be used. */
  lately(workspace: string): Contents | undefined
  /** Remembers what a tree that may become an entity was found to be made of. */
  accepted(workspace: string, tree: Digest, found: Closure, epoch: number): void
}

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly workspaces: Workspaces
}

interface Cached {
  readonly contents: Contents
  /** Entities of statements up to this one are in. */
  seq: number
  /** The last reading; the next waits for it. */
  reading: Promise<void>
}

export function openKnown({ ledger, store, workspaces }: Options): Known {
  const cache = new Map<string, Cached>()
  const accepted = new Map<string, { found: Closure; epoch: number }>()

  function cachedOf(workspace: string): Cached {
    const cached = cache.get(workspace) ?? newCached()
    cache.delete(workspace)
    cache.set(workspace, cached)
    trim()
    return cached
  }

  /** Forgets the workspaces that nobody used for the longest time, but never the latest. */
  function trim(): void {
    let digests = cache.values().reduce((sum, { contents }) => sum + contents.size, 0)
    for (const oldest of [...cache.keys()].slice(0, -1)) {
      if (cache.size <= WORKSPACES_CACHED && digests <= DIGESTS_MAX) return
      digests -= cache.get(oldest)?.contents.size ?? 0
      cache.delete(oldest)
    }
  }

  async function add(workspace: string, contents: Contents, node: Node): Promise<void> {
    if (node.class !== 'entity' || node.digest === undefined) return
    const key = `${workspace}/${node.digest}`
    const known = accepted.get(key)
    accepted.delete(key)
    if (known) contents.learn(known.found, known.epoch)
    else await contents.read(store, node.digest)
  }

  async function readNew(workspace: string, cached: Cached): Promise<void> {
    const found = await workspaces.byId(workspace)
    if (!found) return
    const { organisation } = found
    const after = cached.seq
    for (let olderThan: string | undefined; ; ) {
      const page = await ledger.nodes({
        organisation,
        workspace,
        after,
        limit: PAGE,
        ...(olderThan !== undefined && { olderThan }),
      })
      for (const node of page) {
        await add(workspace, cached.contents, node)
        cached.seq = Math.max(cached.seq, node.seq)
      }
      if (page.length < PAGE) return
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
      return cached.contents
    },
    lately: workspace => cache.get(workspace)?.contents,
    accepted(workspace, tree, found, epoch) {
      const contents = cache.get(workspace)?.contents
      if (contents?.hasName(tree)) {
        contents.learn(found, epoch)
        return
      }
      if (found.size > DIGESTS_MAX) return
      accepted.set(`${workspace}/${tree}`, { found, epoch })
      let digests = accepted.values().reduce((sum, one) => sum + one.found.size, 0)
      for (const [key, one] of accepted) {
        if (accepted.size <= ACCEPTED_MAX && digests <= DIGESTS_MAX) break
        digests -= one.found.size
        accepted.delete(key)
      }
    },
  }
}

function newCached(): Cached {
  return { contents: new Contents(DIGESTS_MAX), seq: -1, reading: Promise.resolve() }
}
