/* Removing packs that hold nothing any more. */
import type { Catalog } from './catalog.ts'
import { StaleCatalog } from './catalog-health.ts'
import { removePacks } from './packs.ts'
import { readSegment } from './recovery.ts'
import type { Shelf } from './shelf.ts'

/** The last burial over a catalog: two at once would take each other's half removed packs for damage. */
const burials = new WeakMap<Catalog, Promise<unknown>>()

/** The count of what a pack holds is only a number in a cache: what its segment lists is looked for
 * as well, before bytes are removed on the strength of it. Answers the packs that were removed. */
export function buryEmpty(shelf: Shelf, catalog: Catalog): Promise<readonly string[]> {
  const before = burials.get(catalog) ?? Promise.resolve()
  const burial = before.then(() => bury(shelf, catalog))
  burials.set(
    catalog,
    burial.catch(() => undefined),
  )
  return burial
}

async function bury(shelf: Shelf, catalog: Catalog): Promise<readonly string[]> {
  const empty = catalog.emptyPacks()
  for (const pack of empty) {
    for (const { raw } of (await readSegment(shelf, pack, undefined, { ifThere: true })) ?? []) {
      if (catalog.copies(raw).some(copy => copy.pack === pack)) throw new StaleCatalog()
    }
  }
  await removePacks(shelf, empty)
  catalog.forgetPacks(empty)
  return empty
}
