/* Segments that were damaged, or went missing, made anew while the store is in use.
 *
 * What is removed at the same time must not come back: a segment without its pack would be a lie. So
 * removing packs and making segments take turns (`live.packs`). On a shared shelf another server may
 * remove: it tells that the copies are gone before it takes anything away, so whoever has heard that
 * makes nothing; whoever hears it too late looks afterwards whether the pack is still there, while who
 * removes a pack takes its segment away once more at the end. Should one of them die in between, the
 * marks still say that the copies are gone: they stay as long as anything of the pack is there. */
import type { Ground } from './ground.ts'
import { soundSegment, writeSegment } from './segment-files.ts'
import type { Placed } from './segments.ts'

/** Answers what the new segment lists; undefined if nothing is left in its pack. A pack that is missing
 * gets none: what is known of it is answered all the same. */
export function remakeSegment(
  { shelf, live }: Ground,
  pack: string,
): Promise<readonly Placed[] | undefined> {
  return live.packs.take(async () => {
    await live.hear()
    const counts = await live.ask(catalog => catalog.liveIn(pack))
    if (counts === undefined || counts.live <= 0) return undefined
    // Somebody else may have made it meanwhile.
    const sound = await soundSegment(shelf, pack)
    if (sound !== undefined) return sound
    const known = await live.ask(catalog => catalog.placedIn(pack))
    return (await writeSegment(shelf, pack, known)) ?? known
  })
}
