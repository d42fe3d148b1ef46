/* Giving back room. The objects of packs that are mostly forgotten, that hold what was healed
 * elsewhere, or that are small and many, are copied into new packs, which are read back; then the
 * new packs are listed, and only then the old copies are forgotten and their packs removed. Killed
 * at any point, an object has one copy or two; a reader finds one of them. */
import { bury } from './burying.ts'
import type { Catalog, PackRoom } from './catalog.ts'
import { CONDEMNED, DAMAGED } from './catalog-queries.ts'
import { type Ground, mark, setAside } from './ground.ts'
import { mergeMarks } from './mark-effects.ts'
import { FrameBatch, type Pack, PackSeries } from './packs.ts'
import { publish, takeBack } from './publishing.ts'
import { isObject, objectsIn } from './reading.ts'
import { ORPHAN_MS, sweepOrphans } from './recovery.ts'
import { soundSegment } from './segment-files.ts'
import { type Copy, decodeSegment, type Placed } from './segments.ts'
import { packName, segmentName } from './shelf.ts'

/** More packs of less than this are laid together. */
const SMALL_BYTES = 1024 * 1024
const SMALL_PACKS = 64
/** What is copied at once: it becomes one pack, and is switched to in one turn. */
const GROUP_BYTES = 40 * 1024 * 1024
const GROUP_OBJECTS = 8192
const BATCH_BYTES = 1024 * 1024

/** A pack on its way: what of it is to be copied, and what was known of it at the time. */
interface Move {
  readonly pack: string
  readonly listed: readonly Placed[]
  readonly wanted: readonly Placed[]
  readonly live: number
  readonly odd: number
}

/** Answers the bytes given back. `stop` is asked between packs. */
export async function compact(
  ground: Ground,
  deadShare: number,
  stop: () => void,
): Promise<number> {
  const { shelf, live } = ground
  await live.hear()
  let given = 0
  const rooms = await live.ask(catalog => candidates(catalog, deadShare, ground.worn))
  for (const group of grouped(rooms)) {
    stop()
    given += await rewrite(ground, group)
  }
  await live.work(catalog => mergeMarks(shelf, catalog, Date.now()))
  await sweepOrphans(ground, Date.now() - ORPHAN_MS)
  await live.prune(Date.now())
  return given
}

function candidates(catalog: Catalog, deadShare: number, worn: ReadonlySet<string>): PackRoom[] {
  const small = catalog.small(SMALL_BYTES)
  const chosen = [
    ...catalog.sparse(deadShare),
    ...catalog.withDamage(),
    ...(small.length > SMALL_PACKS ? small : []),
    ...catalog.sparse(-1).filter(({ id }) => worn.has(id)),
  ]
  return [...new Map(chosen.map(room => [room.id, room])).values()]
}

function* grouped(rooms: readonly PackRoom[]): Generator<PackRoom[], void, undefined> {
  let group: PackRoom[] = []
  let [bytes, objects] = [0, 0]
  for (const room of rooms) {
    const over = bytes + room.bytes > GROUP_BYTES || objects + room.live > GROUP_OBJECTS
    if (over && group.length > 0) {
      yield group
      group = []
      bytes = 0
      objects = 0
    }
    group.push(room)
    bytes += room.bytes
    objects += room.live
  }
  if (group.length > 0) yield group
}

async function rewrite(ground: Ground, group: readonly PackRoom[]): Promise<number> {
  const { shelf } = ground
  const moves: Move[] = []
  for (const { id } of group) {
    const move = await planOf(ground, id)
    if (move !== undefined) moves.push(move)
  }
  if (moves.length === 0) return 0
  const packs = await copied(ground, moves)
  if (packs === undefined) return 0
  const since = Math.max(...group.map(room => room.since))
  try {
    for (const pack of packs) await verify(ground, pack)
    if (packs.length > 0) await publish(shelf, packs)
    if (!(await switchTo(ground, packs, moves, since))) {
      await takeBack(ground, packs)
      return 0
    }
  } catch (error) {
    await takeBack(ground, packs).catch(() => undefined)
    throw error
  }
  const added = await bytesOf(
    ground,
    packs.map(pack => pack.id),
  )
  return (await forget(ground, moves)) - added
}

/** New packs with what is wanted; undefined if something cannot be read. */
async function copied(
  ground: Ground,
  moves: readonly Move[],
): Promise<readonly Pack[] | undefined> {
  const series = new PackSeries(ground.shelf)
  try {
    for (const move of moves) {
      if (await copy(ground, move, series)) continue
      await series.discard()
      return undefined
    }
    return await series.end()
  } catch (error) {
    await series.discard().catch(() => undefined)
    throw error
  }
}

/** undefined for a pack that stays as it is: with objects that are condemned, or damaged and found
 * nowhere else, for its bytes are the evidence; or with a damaged segment, until a check has made that
 * anew. */
async function planOf({ shelf, live }: Ground, pack: string): Promise<Move | undefined> {
  const listed = await soundSegment(shelf, pack)
  if (listed === undefined) return undefined
  return live.ask(catalog => {
    const counts = catalog.liveIn(pack)
    if (counts === undefined) return undefined
    const wanted: Placed[] = []
    for (const placed of listed) {
      const copy = catalog.copy({ raw: placed.raw, pack })
      if (copy === undefined) continue
      const { state } = copy
      const healed = state === DAMAGED && catalog.size(placed.raw) !== undefined
      if ((state & (CONDEMNED | DAMAGED)) !== 0 && !healed) return undefined
      if (!healed) wanted.push(placed)
    }
    return { pack, listed, wanted, ...counts }
  })
}

/** Copies what is wanted of a pack; false if something of it cannot be read. */
async function copy(ground: Ground, { pack, wanted }: Move, series: PackSeries): Promise<boolean> {
  const batch = new FrameBatch()
  for (const { raw, offset, length } of wanted.toSorted((a, b) => a.offset - b.offset)) {
    if (await isElsewhere(ground, { raw, pack })) continue
    const bytes = await ground.reading.object(raw, { pack, offset, length })
    if (typeof bytes === 'string') {
      await setAside(ground, { raw, pack }, { pack, offset, length })
      return false
    }
    batch.add(raw, bytes)
    if (batch.bytes >= BATCH_BYTES) await series.add(batch.take())
  }
  await series.add(batch.take())
  return true
}

/** Whether there is another copy, which was read just now: what an earlier, broken-off compaction
 * copied, or what two puts brought at the same time. */
async function isElsewhere({ live, reading }: Ground, { raw, pack }: Copy): Promise<boolean> {
  const others = await live.ask(catalog =>
    catalog
      .copies(raw)
      .filter(copy => copy.pack > pack)
      .map(copy => catalog.copy(copy))
      .filter(copy => copy?.state === 0),
  )
  for (const place of others) {
    if (place !== undefined && typeof (await reading.object(raw, place)) !== 'string') return true
  }
  return false
}

/** Reads a new pack back. */
async function verify({ shelf }: Ground, { id, segment }: Pack): Promise<void> {
  const objects = new Map((decodeSegment(id, segment) ?? []).map(one => [one.offset, one]))
  for await (const { offset, bytes } of objectsIn(shelf, id)) {
    const raw = objects.get(offset)?.raw
    if (raw !== undefined && isObject(raw, bytes)) objects.delete(offset)
  }
  if (objects.size > 0) throw new Error(`${packName(id)} cannot be read back as it was written`)
}

/** Lists the new packs, unless something happened to the old ones since they were looked at. */
async function switchTo(
  { live }: Ground,
  packs: readonly Pack[],
  moves: readonly Move[],
  since: number,
): Promise<boolean> {
  const same = (catalog: Catalog) =>
    moves.every(({ pack, live, odd }) => {
      const now = catalog.liveIn(pack)
      return now?.live === live && now.odd === odd
    })
  const listed = packs.map(({ id, segment }) => ({ id, objects: decodeSegment(id, segment) ?? [] }))
  const list = async () =>
    live.ask(catalog => {
      if (!same(catalog)) return false
      catalog.together(() => {
        for (const { id, objects } of listed) {
          catalog.add(id, objects)
          catalog.complete(id, since)
        }
      })
      return true
    })
  const names = packs.map(({ id }) => segmentName(id))
  return (await live.announce(names, list, same)) === true
}

/** Forgets the old copies and removes their packs; answers the bytes of these. */
async function forget(ground: Ground, moves: readonly Move[]): Promise<number> {
  const copies = moves.flatMap(({ pack, listed }) => listed.map(({ raw }) => ({ raw, pack })))
  const bytes = await bytesOf(
    ground,
    moves.map(({ pack }) => pack),
  )
  await mark(ground, 'gone', copies)
  await bury(ground)
  for (const { pack } of moves) ground.worn.delete(pack)
  return bytes
}

async function bytesOf({ shelf }: Ground, packs: readonly string[]): Promise<number> {
  let bytes = 0
  for (const pack of packs) bytes += (await shelf.facts(packName(pack)))?.bytes ?? 0
  return bytes
}
