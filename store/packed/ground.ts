/* What all the work of a store stands on. */

import { isKaosError } from '../../api/errors.ts'
import { refusal } from '../refusals.ts'
import type { Catalog, Place } from './catalog.ts'
import type { Lost } from './catalog-changes.ts'
import { DAMAGED } from './catalog-queries.ts'
import type { LiveCatalog } from './live-catalog.ts'
import { writeMarks } from './marks.ts'
import type { PackReading } from './reading.ts'
import { soundSegment } from './segment-files.ts'
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
  // A damaged one says nothing of where objects lie.
  const segment = await soundSegment(shelf, copy.pack)
  const listed = segment?.find(({ raw }) => raw.equals(copy.raw))
  const wrong = listed?.offset !== read.offset || listed.length !== read.length
  if (segment !== undefined && wrong) return live.rebuild(catalog)
  await mark({ shelf, live }, 'bad', [copy]).catch(async error => {
    // On a full disk the damage is remembered until the next start, and then found again.
    if (isKaosError(refusal(error), 'STORAGE_FULL')) {
      return live.ask(current => current.setDamaged([copy]))
    }
    throw error
  })
}

/** Marks copies durably, and lets the catalog, and others, know. */
export async function mark(
  { shelf, live }: Pick<Ground, 'shelf' | 'live'>,
  kind: 'gone' | 'bad',
  copies: readonly Copy[],
): Promise<void> {
  await announceMarks(live, await written(live, writeMarks(shelf, kind, copies)))
}

/** What was to be written. If that failed, some of it may be there all the same. */
export async function written<T>(live: LiveCatalog, writing: Promise<T>): Promise<T> {
  return writing.catch(error => {
    live.miss()
    throw error
  })
}

/** Lets the catalog, and others, know of new marks; answers what went with them. If others told
 * something first, it goes on only if `still` holds; undefined if it did not. */
export async function announceMarks(
  live: LiveCatalog,
  names: readonly string[],
  still?: (catalog: Catalog) => boolean,
): Promise<Lost | undefined> {
  const all = { objects: 0, bytes: 0 }
  if (names.length === 0) return all
  const heed = async () => {
    for (const name of names) {
      const lost = await live.heed(name)
      all.objects += lost.objects
      all.bytes += lost.bytes
    }
    return all
  }
  return live.announce(
    names.map(name => `marks/${name}`),
    heed,
    still,
  )
}
