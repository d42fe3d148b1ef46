/* A collection, beside normal work and without a pause in it:
 *
 *   1  look at everything that is kept (mark.ts)
 *   2  condemn what was not met and is older than the grace: from here on it counts as absent
 *   3  let gc/epoch grow: whoever found it before this, and has not committed yet, must look again
 *   4  look at what was written since 1 began (look-again.ts), and spare that
 *   5  remove the rest and give back the room
 *
 * The condemned live again if the process dies before 5; a removal that broke off is run again by the
 * next collection. See intake.ts for the other side. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { type Digest, digestFromRaw, rawOf } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { Condemned } from '../../store/store.ts'
import { Going } from './going.ts'
import { EPOCH } from './intake.ts'
import { KeySet } from './key-set.ts'
import type { Lease } from './lease.ts'
import { lookAgain } from './look-again.ts'
import { type Ground, Mark } from './mark.ts'
import { Reach } from './reach.ts'

/** A pack is written anew when so much of it is forgotten. */
const DEAD_SHARE = 0.25

export interface Order {
  readonly graceMs: number
  readonly dryRun: boolean
  /** Objects known to be damaged: if nothing needs them they go as well. */
  readonly damaged: readonly Digest[]
  /** Only what this folder or file consists of may go, and the room is given back to the last byte:
   * its content was purged. (Give no grace then.) */
  readonly only?: Digest
}

type Phase = 'marking' | 'condemning' | 'looking again' | 'removing' | 'compacting'

export interface Room extends Ground {
  /** Agent for what the collection itself writes. */
  readonly agent: string
  readonly now: () => number
  readonly lease: Lease
  /** How far it is: a phase, and how many things were looked at in it. */
  tell(phase: Phase, count: number): void
}

export interface Collected {
  readonly mark: Mark
  readonly going: Going
  /** Absent after a dry run. */
  readonly removed?: { readonly objects: number; readonly bytes: number }
  readonly freedBytes: number
}

export async function collect(room: Room, order: Order): Promise<Collected> {
  const { ledger, store, tell } = room
  const { size: from } = await ledger.head()
  const among = order.only && (await contentOf(store, order.only))
  // Without a grace nothing is too young to go, and no remote was asked too lately.
  const young = order.graceMs === 0 ? Number.POSITIVE_INFINITY : room.now() - order.graceMs
  const mark = new Mark(room, { purged: among, since: young })
  await mark.everything(count => tell('marking', count))
  requireWhole(mark)
  const going = await Going.of(room, mark, young)
  const candidates = candidatesOf(room, order, mark, { going, among, young })
  if (order.dryRun) {
    for await (const _ of candidates) tell('condemning', going.objects)
    return { mark, going, freedBytes: 0 }
  }
  const { deadBytes: deadBefore = 0 } = await store.stats()
  const condemned = await store.condemn(candidates)
  try {
    const removed = await removeCondemned(room, mark, condemned, from)
    tell('compacting', 0)
    await giveBack(store, order)
    const { deadBytes = 0 } = await store.stats()
    const freedBytes = Math.max(0, deadBefore + removed.bytes - deadBytes)
    return { mark, going, removed, freedBytes }
  } finally {
    await condemned.release()
  }
}

/** On a full disk there may be no room to write a pack anew: what is empty has gone all the same, and
 * the next collection tries again. What was purged has to go now. */
async function giveBack(store: Ground['store'], { only }: Order): Promise<void> {
  try {
    await store.compact(only === undefined ? DEAD_SHARE : 0)
  } catch (error) {
    if (only !== undefined || !isKaosError(error, 'STORAGE_FULL')) throw error
  }
}

async function removeCondemned(
  room: Room,
  mark: Mark,
  condemned: Condemned,
  from: number,
): Promise<Required<Collected>['removed']> {
  const { ledger, agent, now, lease, tell } = room
  await lease.require()
  await ledger.commit({
    actor: agent,
    organisation: DEFAULT_ORGANISATION,
    records: [{ key: EPOCH, value: { at: now() } }],
  })
  tell('looking again', 0)
  const spared: Digest[] = []
  await lookAgain(ledger, mark, from, raw => spared.push(digestFromRaw(raw)))
  requireWhole(mark)
  await condemned.spare(spared)
  await lease.require()
  tell('removing', 0)
  return condemned.remove()
}

/** What nothing keeps, counted as it passes; last what is damaged, which the store does not list. */
async function* candidatesOf(
  { store, tell }: Room,
  { damaged }: Order,
  mark: Mark,
  { going, among, young }: { going: Going; among: KeySet | undefined; young: number },
): AsyncGenerator<Digest> {
  let seen = 0
  for await (const { digest, size, at } of store.list()) {
    if (++seen % TOLD_EVERY === 0) tell('condemning', seen)
    const raw = rawOf(digest)
    if (mark.reach.has(raw) || at > young || among?.has(raw) === false) continue
    going.count(raw, size)
    yield digest
  }
  for (const digest of damaged) {
    const [sound] = await store.sizes([digest])
    if (sound === undefined && !mark.reach.has(rawOf(digest))) yield digest
  }
}

/** The objects of one folder or file. */
async function contentOf(store: Ground['store'], digest: Digest): Promise<KeySet> {
  const all = new KeySet(32)
  await new Reach(store).content(digest, raw => all.raise(raw))
  return all
}

/** Nothing goes while it is not known what some kept thing consists of. */
function requireWhole({ trouble }: Mark): void {
  if (trouble !== undefined) throw new KaosError('OBJECT_DAMAGED', trouble)
}

const TOLD_EVERY = 1000
