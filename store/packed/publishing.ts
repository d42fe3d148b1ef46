/* When new packs begin to count, and how they are taken back. */
import type { Catalog } from './catalog.ts'
import { announceMarks, type Ground, written } from './ground.ts'
import { writeMarks } from './marks.ts'
import { type Pack, removePacks } from './packs.ts'
import { decodeSegment } from './segments.ts'
import { type Shelf, segmentName } from './shelf.ts'

/** Segments written at the same time. */
const LANES = 4

/** From now on the packs count: their bytes, then their names, then their segments are durable. */
export async function publish(shelf: Shelf, packs: readonly Pack[]): Promise<void> {
  await shelf.settle('packs')
  const left = packs.values()
  const lane = async () => {
    for (const { id, segment } of left) await shelf.write(segmentName(id), segment)
  }
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane))
  const failed = lanes.find(one => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  await shelf.settle('packs')
}

/** Takes packs back that were published and have not been told of. On a shared shelf others may have met
 * them all the same: they are told that these copies are gone. Unless one of them told first, and may
 * rely on them by now: then they stay. */
export async function takeBack(
  ground: Pick<Ground, 'shelf' | 'live'>,
  packs: readonly Pack[],
): Promise<void> {
  const { shelf, live } = ground
  const ids = packs.map(({ id }) => id)
  if (shelf.shared && !(await retract(ground, packs))) return
  await live.packs.take(async () => {
    await live.ask(catalog => {
      const known = new Set(catalog.packs().map(({ id }) => id))
      if (ids.some(id => known.has(id))) catalog.forgetPacks(ids)
    })
    await removePacks(shelf, ids)
  })
}

/** False if others told of them first. */
async function retract(
  { shelf, live }: Pick<Ground, 'shelf' | 'live'>,
  packs: readonly Pack[],
): Promise<boolean> {
  const unheard = (catalog: Catalog) => packs.every(({ id }) => catalog.liveIn(id) === undefined)
  await live.hear()
  if (!(await live.ask(unheard))) return false
  const copies = packs.flatMap(({ id, segment }) =>
    (decodeSegment(id, segment) ?? []).map(({ raw }) => ({ raw, pack: id })),
  )
  const names = await written(live, writeMarks(shelf, 'gone', copies))
  if ((await announceMarks(live, names, unheard)) !== undefined) return true
  // What was not told yet may have been listed, here at least.
  await shelf.remove(names.map(name => `marks/${name}`))
  live.rebuild(await live.ask(catalog => catalog))
  return false
}
