/* Bringing a catalog up to what lies on the shelf: at every start, when it turns out damaged, and
 * when news was missed. */
import { setImmediate } from 'node:timers/promises'
import type { Catalog } from './catalog.ts'
import type { Ground } from './ground.ts'
import { applyMarks, settleCondemned } from './mark-effects.ts'
import { marksOn } from './marks.ts'
import { removePacks } from './packs.ts'
import { packsOn, readSegment, soundSegment, writeSegment } from './segment-files.ts'
import { decodeSegment, type Placed } from './segments.ts'
import { type Listed, packName, type Shelf, segmentName } from './shelf.ts'

/** Rows added in one transaction, which must be short. */
const SLICE = 2048
/** A pack without a segment may be one that is being written, but no put takes this long. */
export const ORPHAN_MS = 48 * 3600_000

/** Answers the names of what the catalog had not heard of. `alone`: nobody else does anything with the
 * shelf, so segments that are damaged or missing can be written anew. */
export async function catchUp(shelf: Shelf, catalog: Catalog, alone: boolean): Promise<string[]> {
  if (alone) await remakeMissing(shelf, catalog)
  const heard = new Set(catalog.marks())
  // Marks first: what they speak of was on the shelf before them.
  const marks = await marksOn(shelf)
  const { segments, packs } = await packsOn(shelf)
  const known = catalog.packs()
  const vanished = known.filter(({ id }) => !segments.has(id)).map(({ id }) => id)
  if (vanished.length > 0) catalog.forgetPacks(vanished)
  const whole = new Set(known.filter(one => one.whole).map(({ id }) => id))
  const fresh = [...segments].filter(([id]) => !whole.has(id))
  for (const [id, listed] of fresh) {
    if (alone && (await soundSegment(shelf, id)) === undefined) await writeSegment(shelf, id, [])
    await addPack(shelf, catalog, id, listed)
  }
  // A pack that is new to the catalog may be one that an older mark speaks of.
  await applyMarks(shelf, catalog, marks, fresh.length > 0)
  await settleCondemned(catalog, marks)
  for (const id of segments.keys()) if (!packs.has(id)) await loseFrom(shelf, catalog, id)
  const told = marks.filter(({ name }) => !heard.has(name))
  return [...fresh.map(([id]) => segmentName(id)), ...told.map(({ name }) => `marks/${name}`)]
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

/** Takes away packs that no segment names and the catalog does not know, of those written before this
 * time: what a crash left. */
export async function sweepOrphans(
  { shelf, live }: Pick<Ground, 'shelf' | 'live'>,
  before: number,
): Promise<void> {
  const { segments, packs } = await packsOn(shelf)
  const known = new Set((await live.ask(catalog => catalog.packs())).map(({ id }) => id))
  for (const [id, { facts }] of packs) {
    if (segments.has(id) || known.has(id)) continue
    const found = await facts()
    if (found !== undefined && found.at < before) await shelf.remove([packName(id)])
  }
}

/** Segments that went missing since the shelf was open last, of packs in which the catalog of then
 * knows something. */
async function remakeMissing(shelf: Shelf, catalog: Catalog): Promise<void> {
  const { segments, packs } = await packsOn(shelf)
  for (const { id } of catalog.packs()) {
    if (segments.has(id) || !packs.has(id) || (catalog.liveIn(id)?.live ?? 0) <= 0) continue
    await writeSegment(shelf, id, catalog.placedIn(id))
  }
}

async function addPack(shelf: Shelf, catalog: Catalog, id: string, listed: Listed): Promise<void> {
  const facts = await listed.facts()
  const objects = await readSegment(shelf, id)
  if (objects === undefined) {
    // A segment that cannot be read, of a pack that is missing.
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
