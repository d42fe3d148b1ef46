/* The care of the store, as one thing to open and to close: collections, checks, what is counted. */
import type { ScrubView } from '../../api/wire.ts'
import type { Rooms } from '../rooms.ts'
import { type Collections, openCollections } from './collections.ts'
import { type Fsck, openFsck } from './fsck.ts'
import { openScrub } from './scrub.ts'

export interface Care {
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
  const resuming = resume(parts, fsck)
  return {
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
      await resuming.stop()
      await Promise.all([collections.close(), fsck.close(), scrub.close()])
    },
  }
}

/** A check that a stop or a crash broke off goes on by itself. After a crash its lease has to run out. */
function resume({ log }: Rooms, fsck: Fsck): { stop(): Promise<void> } {
  let looking: Promise<void> = Promise.resolve()
  const look = () => {
    looking = fsck
      .takeUp()
      .catch(error => log('warn', `fsck could not go on: ${(error as Error).message}`))
  }
  look()
  const later = setTimeout(look, LATER_MS)
  later.unref()
  return {
    async stop() {
      clearTimeout(later)
      await looking
    },
  }
}

const LATER_MS = 45_000
