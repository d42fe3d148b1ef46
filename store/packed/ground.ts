/* What all the work of a store stands on. */

import type { Place } from './catalog.ts'
import type { Lost } from './catalog-changes.ts'
import { DAMAGED } from './catalog-queries.ts'
import type { LiveCatalog } from './live-catalog.ts'
import { writeMarks } from './marks.ts'
import type { PackReading } from './reading.ts'
import { readSegment } from './recovery.ts'
import type { Copy } from './segments.ts'
import type { Shelf } from './shelf.ts'

export interface Ground {
  /** Of the store. */
  readonly id: string
  readonly shelf: Shelf
  readonly live: LiveCatalog
  readonly reading: PackReading
  /** Packs in which something is wrong beside the objects: to be written anew. */
  readonly worn: Set<string>
}

/** Marks a copy as damaged, unless it was removed meanwhile or the catalog was to blame. */
export async function setAside({ shelf, live }: Ground, copy: Copy, read: Place): Promise<void> {
  await live.hear()
  const catalog = await live.ask(current => current)
  const now = await live.ask(current => current.copy(copy))
  if (now === undefined || (now.state & DAMAGED) !== 0) return
  const segment = await readSegment(shelf, copy.pack)
  const listed = segment?.find(({ raw }) => raw.equals(copy.raw))
  const wrong = listed?.offset !== read.offset || listed.length !== read.length
  if (segment !== undefined && wrong) return live.rebuild(catalog)
  // On a full disk the damage is remembered until the next start, and then found again.
  const names = await writeMarks(shelf, 'bad', [copy]).catch(() => undefined)
  if (names === undefined) return live.ask(current => current.setDamaged([copy]))
  await announceMarks(live, names)
}

/** Lets the catalog, and others, know of new marks; answers what went with them. */
export async function announceMarks(live: LiveCatalog, names: readonly string[]): Promise<Lost> {
  const all = { objects: 0, bytes: 0 }
  if (names.length === 0) return all
  await live.announce(
    names.map(name => `marks/${name}`),
    async () => {
      for (const name of names) {
        const lost = await live.heed(name)
        all.objects += lost.objects
        all.bytes += lost.bytes
      }
      return true
    },
  )
  return all
}
