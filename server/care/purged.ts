/* What was purged: an entity whose content was dropped although something may still speak of it. The
 * pointer `purged/<entity>` stands at the activity that did it, which says who, when and why. */
import { KaosError } from '../../api/errors.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { People } from '../parts.ts'

export const PURGED = 'purged/'

export interface Purge {
  readonly entity: string
  /** Agent. */
  readonly by: string
  readonly at: string
  readonly reason: string
  /** What shared bytes with it then: how many entities, and the names of some. */
  readonly shared: { readonly entities: number; readonly first: string[] }
}

export async function purgeOf(ledger: Ledger, entity: string): Promise<Purge | undefined> {
  const pointer = await pointerAt(ledger, PURGED + entity)
  const activity = pointer && (await ledger.node(pointer.target))
  if (!activity) return undefined
  const { by, reason, shared } = activity.attributes
  return {
    entity,
    by: String(by),
    at: activity.at,
    reason: String(reason),
    shared: shared as unknown as Purge['shared'],
  }
}

/** Whether its content was: equal content that is sent again is not it. */
export async function isPurged(ledger: Ledger, entity: string): Promise<boolean> {
  return (await pointerAt(ledger, PURGED + entity)) !== undefined
}

/** PURGED when the content of this entity was. */
export async function requireUnpurged(
  { ledger, people }: { ledger: Ledger; people: Pick<People, 'nameOf'> },
  node: Node,
): Promise<void> {
  const purge = await purgeOf(ledger, node.id)
  if (purge) throw await purgedError(people, node, purge)
}

export async function purgedError(
  people: Pick<People, 'nameOf'>,
  node: Node,
  { by, at, reason }: Purge,
): Promise<KaosError> {
  const name = await people.nameOf(by)
  const what = `${node.kind} ${node.name ?? node.id}`
  const day = at.slice(0, 10)
  const message = `the content of ${what} was purged by ${name} on ${day}, because: ${reason}`
  return new KaosError('PURGED', message, { detail: { entity: node.id, by: name, at, reason } })
}
