/* Whether the content of an entity is here: all of it, and not on its way out. An entity outlives its
 * content: a version may have been removed and collected, or purged. Whoever makes something of an
 * entity (a job that uses it, a tag that stands at it) asks first, within the intake's work, so that
 * no fact speaks of what is gone. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { requireComplete } from '../../store/trees.ts'
import type { People, Presence } from '../parts.ts'
import { requireFile } from '../transfer/complete.ts'
import { purgedError, purgeOf } from './purged.ts'

/** Contents that are remembered as complete. */
const REMEMBERED = 10_000

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly people: Pick<People, 'nameOf'>
}

export function openPresence({ ledger, store, people }: Options): Presence {
  /** Found complete in this epoch: until the next one nothing of it can go. */
  const complete = new Set<Digest>()
  let of = -1

  function remember(digest: Digest, epoch: number): void {
    if (epoch !== of) complete.clear()
    of = epoch
    if (complete.size >= REMEMBERED) complete.clear()
    complete.add(digest)
  }

  async function lossOf(node: Node, epoch: number): Promise<KaosError | undefined> {
    const { digest } = node
    if (digest === undefined) return undefined
    const purge = await purgeOf(ledger, node.id)
    if (purge) return purgedError(people, node, purge)
    if (epoch === of && complete.has(digest)) return undefined
    try {
      await requireContent(store, digest)
    } catch (error) {
      if (isKaosError(error)) return loss(node, error)
      throw error
    }
    remember(digest, epoch)
    return undefined
  }

  return {
    lossOf,
    async require(node, epoch) {
      const loss = await lossOf(node, epoch)
      if (loss) throw loss
    },
  }
}

async function requireContent(store: Store, digest: Digest): Promise<void> {
  const bytes = await store.get(digest)
  if (bytes[1] === 'F'.charCodeAt(0)) await requireFile(store, () => true, digest)
  else await requireComplete(store, digest)
}

function loss(node: Node, cause: KaosError): KaosError {
  const what = `${node.kind} ${node.name ?? node.id}`
  const inner = isKaosError(cause.cause) ? cause.cause : cause
  const detail = { entity: node.id, ...inner.detail }
  if (inner.code === 'OBJECT_DAMAGED') {
    const message = `stored bytes of ${what} are damaged; push its folder again to heal it`
    return new KaosError('OBJECT_DAMAGED', message, { detail, cause })
  }
  const message = `the content of ${what} is no longer here: its versions were removed; push it again`
  return new KaosError('OBJECT_UNKNOWN', message, { detail, cause })
}
