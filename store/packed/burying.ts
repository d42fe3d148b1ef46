/* Removing packs that hold nothing any more. */
import { StaleCatalog } from './catalog-health.ts'
import type { Ground } from './ground.ts'
import { removePacks } from './packs.ts'
import { readSegment } from './segment-files.ts'

/** The count of what a pack holds is only a number in a cache: what its segment lists is looked for
 * as well, before bytes are removed on the strength of it. */
export function bury({ shelf, live }: Pick<Ground, 'shelf' | 'live'>): Promise<void> {
  return live.packs.take(() =>
    live.work(async catalog => {
      const empty = catalog.emptyPacks()
      // What was found by listing others may not know yet: they must, before the bytes go.
      await live.hear()
      for (const pack of empty) {
        for (const { raw } of (await readSegment(shelf, pack)) ?? []) {
          if (catalog.copies(raw).some(copy => copy.pack === pack)) throw new StaleCatalog()
        }
      }
      await removePacks(shelf, empty)
      catalog.forgetPacks(empty)
    }),
  )
}
