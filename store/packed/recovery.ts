/* Bringing a catalog up to what lies on the shelf: at every start, when it turns out damaged, and
 * when news was missed. */
import { setImmediate } from 'node:timers/promises'
import type { Catalog } from './catalog.ts'
import { applyMarks, settleCondemned } from './mark-effects.ts'
import { marksOn } from './marks.ts'
import { removePacks } from './packs.ts'
import { scanPack } from './reading.ts'
import { decodeSegment, encodeSegment, type Placed } from './segments.ts'
import { type Listed, packIn, packName, type Shelf, segmentName } from './shelf.ts'

/** Rows added in one transaction, which must be short. */
const SLICE = 2048
/** A pack without a segment may be one that is being written, but no put takes this long. */
export const ORPHAN_MS = 48 * 3600_000

export async function catchUp(shelf: Shelf, catalog: Catalog): Promise<void> {
  // Marks first: what they speak of was on the shelf before them.
  const marks = await marksOn(shelf)
  const { segments, packs } = await packsOn(shelf)
  const known = catalog.packs()
  const vanished = known.filter(({ id }) => !segments.has(id)).map(({ id }) => id)
  if (vanished.length > 0) catalog.forgetPacks(vanished)
  const whole = new Set(known.filter(one => one.whole).map(({ id }) => id))
  const fresh = [...segments].filter(([id]) => !whole.has(id))
  for (const [id, listed] of fresh) await addPack(shelf, catalog, id, listed)
  // A pack that is new to the catalog may be one that an older mark speaks of.
  await applyMarks(shelf, catalog, marks, fresh.length > 0)
  await settleCondemned(catalog, marks)
  for (const id of segments.keys()) if (!packs.has(id)) await loseFrom(shelf, catalog, id)
}

/** Lists what a pack holds. */
export async function addObjects(
  catalog: Catalog,
  pack: string,
  objects: readonly Placed[],
  since: number,
): Promise<void> {
  for (let at = 0; at < objects.length; at += SLICE) {
    if (at > 0) await setImmediate()
    catalog.add(pack, objects.slice(at, at + SLICE))
  }
  catalog.complete(pack, since)
}

/** Where the segment of a pack says its objects lie. A damaged segment is written anew from the
 * pack itself; undefined if neither can be read. `known`: what else knows of objects in the pack;
 * where it lies is theirs, even if the bytes there are others by now. A missing segment may also be one
 * of a pack that is being removed: `ifThere` asks for no new one. */
export async function readSegment(
  shelf: Shelf,
  pack: string,
  known: () => Promise<Placed[]> = async () => [],
  { ifThere = false } = {},
): Promise<Placed[] | undefined> {
  const bytes = await shelf.readWhole(segmentName(pack))
  const objects = bytes && decodeSegment(pack, bytes)
  if (objects !== undefined) return objects
  if (bytes === undefined && ifThere) return undefined
  const facts = await shelf.facts(packName(pack))
  // Without a segment, on a shared shelf, it is not there yet or not there any more.
  if (facts === undefined || (bytes === undefined && shelf.shared)) return undefined
  const told = await known()
  const offsets = new Set(told.map(({ offset }) => offset))
  const scanned = await scanPack(shelf, pack)
  const found = [...told, ...scanned.filter(({ offset }) => !offsets.has(offset))]
  await shelf.write(segmentName(pack), encodeSegment(pack, found))
  await shelf.settle('packs')
  return found
}

/** Takes away packs that no segment names, of those written before this time: what a crash left. */
export async function sweepOrphans(shelf: Shelf, before: number): Promise<void> {
  const { segments, packs } = await packsOn(shelf)
  for (const [id, { facts }] of packs) {
    if (segments.has(id)) continue
    const found = await facts()
    if (found !== undefined && found.at < before) await shelf.remove([packName(id)])
  }
}

async function packsOn(shelf: Shelf) {
  const segments = new Map<string, Listed>()
  const packs = new Map<string, Listed>()
  for await (const listed of shelf.list('packs')) {
    const found = packIn(listed.name)
    if (found?.is === 'segment') segments.set(found.pack, listed)
    if (found?.is === 'pack') packs.set(found.pack, listed)
  }
  return { segments, packs }
}

async function addPack(shelf: Shelf, catalog: Catalog, id: string, listed: Listed): Promise<void> {
  const facts = await listed.facts()
  const objects = await readSegment(shelf, id)
  if (objects === undefined) {
    if (!shelf.shared) await removePacks(shelf, [id])
    return
  }
  await addObjects(catalog, id, objects, facts?.at ?? Date.now())
}

/** The pack is missing, its segment is not. */
async function loseFrom(shelf: Shelf, catalog: Catalog, pack: string): Promise<void> {
  const bytes = await shelf.readWhole(segmentName(pack))
  const lost = (bytes && decodeSegment(pack, bytes)) ?? []
  catalog.setDamaged(lost.map(({ raw }) => ({ raw, pack })))
}
