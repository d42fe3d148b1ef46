/* The care of the store, as one thing to open and to close: collections, checks, what is counted. */
import type { ScrubView } from '../../api/wire.ts'
import type { RecordWrite } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'
import { type Collections, openCollections } from './collections.ts'
import { type Fsck, openFsck } from './fsck.ts'
import { CHECKING, COLLECTING } from './lease.ts'
import { pendingPurges } from './purging.ts'
import { openScrub } from './scrub.ts'

export interface Care {
  /** Before it nothing may be begun. */
  readonly ready: Promise<void>
  readonly collections: Collections
  readonly fsck: Fsck
  scrub(): Promise<ScrubView>
  /** What whoever looks at the server should know. */
  notes(): Promise<string[]>
  close(): Promise<void>
}

export function openCare(parts: Rooms): Care {
  const collections = openCollections(parts)
  const fsck = openFsck(parts)
  const scrub = openScrub(parts, { days: parts.settings.scrubDays, busy: () => fsck.busy })
  const { ready, stop } = resume(parts, fsck, collections)
  return {
    ready,
    collections,
    fsck,
    scrub: () => scrub.view(),
    async notes() {
      const damaged = await parts.store.damaged()
      if (damaged === 0) return []
      const what = damaged === 1 ? '1 stored object is' : `${damaged} stored objects are`
      return [`${what} damaged; see what that affects with: kaos admin fsck`]
    },
    async close() {
      await stop()
      await Promise.all([collections.close(), fsck.close(), scrub.close()])
    },
  }
}

/** A check or a purge that a stop or a crash broke off goes on by itself. Where servers share ledger
 * and store the lease of a dead one has to run out first; alone, whatever held one is dead. */
function resume(
  parts: Rooms,
  fsck: Fsck,
  collections: Collections,
): { ready: Promise<void>; stop(): Promise<void> } {
  const { log, settings, people } = parts
  const ready = settings.shared ? Promise.resolve() : dropLeases(parts)
  let looking = ready
  const look = () => {
    looking = looking
      .then(() => fsck.takeUp())
      .catch(error => log('warn', `fsck could not go on: ${(error as Error).message}`))
  }
  look()
  looking = looking
    .then(async () => {
      for (const purged of await pendingPurges(parts)) collections.purge(people.system, purged)
    })
    .catch(error => log('warn', `purges could not go on: ${(error as Error).message}`))
  const later = setTimeout(look, LATER_MS)
  later.unref()
  return {
    ready,
    async stop() {
      clearTimeout(later)
      await looking
    },
  }
}

const LATER_MS = 45_000

async function dropLeases({ ledger, people }: Rooms): Promise<void> {
  const held: RecordWrite[] = []
  for (const key of [COLLECTING, CHECKING]) {
    if (await recordAt(ledger, key)) held.push({ key, value: null })
  }
  if (held.length === 0) return
  const { id: actor, organisation } = people.system
  await ledger.commit({ actor, organisation, records: held })
}
