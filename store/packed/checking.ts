/* Reading every byte: the objects, pack by pack, and the store's own files. A damaged object is set
 * aside, for a later `put` to heal; a damaged file of the store's own is made anew from what else
 * says the same. */
import { setImmediate } from 'node:timers/promises'
import { type Digest, digestFromRaw } from '../../api/digest.ts'
import type { Checked } from '../store.ts'
import { bury } from './burying.ts'
import type { Catalog } from './catalog.ts'
import { DAMAGED } from './catalog-queries.ts'
import { type Ground, setAside } from './ground.ts'
import { writeIdentity, wrongIdentity } from './identity.ts'
import { mendMarks } from './mending.ts'
import { isObject, PackPieces } from './reading.ts'
import { ORPHAN_MS, sweepOrphans } from './recovery.ts'
import { remakeSegment } from './remaking.ts'
import { decodeSegment, type Placed } from './segments.ts'
import { IDENTITY, packName, segmentName, Unreadable } from './shelf.ts'

/** Objects looked up before others get a turn. */
const SLICE = 512

type FileDamage = Extract<Checked, { kind: 'file' }>

/** `stop` is asked between packs. */
export async function* check(
  ground: Ground,
  from: string | undefined,
  stop: () => void,
): AsyncGenerator<Checked, void, undefined> {
  const { live } = ground
  await live.hear()
  await bury(ground)
  if (from === undefined) {
    yield* ownFiles(ground)
    await sweepOrphans(ground, Date.now() - ORPHAN_MS)
  }
  const told = new Set<Digest>()
  const packs = await live.ask(catalog => catalog.packs())
  for (const { id } of packs.filter(pack => pack.whole && pack.id > (from ?? ''))) {
    stop()
    let bytes = 0
    for await (const found of checkPack(ground, id)) {
      if (typeof found === 'number') bytes += found
      else if (found.kind !== 'damage') yield found
      else if (!told.has(found.digest)) {
        told.add(found.digest)
        yield found
      }
    }
    yield { kind: 'step', cursor: id, bytes }
  }
}

async function* ownFiles(ground: Ground): AsyncGenerator<FileDamage, void, undefined> {
  const { shelf, id } = ground
  const reason = await wrongIdentity(shelf, id)
  if (reason !== undefined) {
    await writeIdentity(shelf, id)
    yield { kind: 'file', file: IDENTITY, reason }
  }
  for await (const file of mendMarks(ground)) yield { kind: 'file', file, reason: 'is damaged' }
  for await (const file of ground.live.mendNews()) {
    yield { kind: 'file', file, reason: 'is damaged' }
  }
}

/** What is wrong with a pack, and how many bytes of it were read. */
async function* checkPack(
  ground: Ground,
  pack: string,
): AsyncGenerator<Checked | number, void, undefined> {
  const { shelf, live, worn } = ground
  const bytes = await shelf.readWhole(segmentName(pack))
  const sound = bytes && decodeSegment(pack, bytes)
  const listed = sound ?? (await remakeSegment(ground, pack))
  await live.hear()
  const facts = await shelf.facts(packName(pack))
  const counts = await live.ask(catalog => catalog.liveIn(pack))
  // Removed meanwhile.
  if (listed === undefined || counts === undefined || counts.live <= 0) return
  if (sound === undefined) {
    const reason = bytes === undefined ? 'is missing' : 'is damaged'
    yield { kind: 'file', file: segmentName(pack), reason }
  }
  const pieces = new PackPieces(shelf, pack)
  let worse = await pieces.beginning()
  const here = await placesOf(ground, pack, listed)
  for (const placed of here.toSorted((a, b) => a.offset - b.offset)) {
    const { frame, reason } = await readFramed(pieces, placed)
    worse ??= frame
    if (reason !== undefined || (placed.state & DAMAGED) !== 0) {
      yield* damageOf(ground, pack, placed, reason)
    }
  }
  const end = listed.reduce((max, { offset, length }) => Math.max(max, offset + length), 0)
  if (facts !== undefined && facts.bytes > end) worse ??= 'has bytes that no segment lists'
  if (worse !== undefined) {
    worn.add(pack)
    yield { kind: 'file', file: packName(pack), reason: worse }
  }
  yield* checkCatalog(ground, pack, { before: counts.live, found: here.length })
  yield facts?.bytes ?? 0
}

/** Those of the listed objects that are not gone, and that the catalog has where they are listed. */
async function placesOf(
  { live }: Ground,
  pack: string,
  listed: readonly Placed[],
): Promise<(Placed & { state: number })[]> {
  const here: (Placed & { state: number })[] = []
  for (let at = 0; at < listed.length; at += SLICE) {
    const slice = listed.slice(at, at + SLICE)
    const rows = await live.ask(catalog => slice.map(({ raw }) => catalog.copy({ raw, pack })))
    for (const [i, { raw, offset, length }] of slice.entries()) {
      const row = rows[i]
      if (row?.offset !== offset || row.length !== length) continue
      here.push({ raw, offset, length, state: row.state })
    }
    await setImmediate()
  }
  return here
}

/** Sets a copy aside; nothing, if it was healed or removed. */
async function* damageOf(
  ground: Ground,
  pack: string,
  { raw, offset, length }: Placed,
  reason = 'it was found damaged before',
): AsyncGenerator<Checked, void, undefined> {
  await setAside(ground, { raw, pack }, { pack, offset, length })
  const still = await ground.live.ask(
    catalog => catalog.locate(raw) === undefined && catalog.copies(raw).length > 0,
  )
  if (still) yield { kind: 'damage', digest: digestFromRaw(raw), reason }
}

/** What is wrong with the object, and with the length before it. */
async function readFramed(
  pieces: PackPieces,
  { raw, offset, length }: Placed,
): Promise<{ frame?: string; reason?: string }> {
  try {
    const { header, bytes } = await pieces.framed(offset, length)
    if (bytes.length < length) return { reason: 'its pack is cut short' }
    const frame = header === length ? {} : { frame: 'has a wrong length before an object' }
    return isObject(raw, bytes) ? frame : { ...frame, reason: 'its bytes are others' }
  } catch (error) {
    if (error instanceof Unreadable) return { reason: error.message }
    throw error
  }
}

/** The catalog must count as many copies in the pack as were found there by looking for what is
 * listed: no fewer before, no more after. */
async function* checkCatalog(
  { live }: Ground,
  pack: string,
  { before, found }: { before: number; found: number },
): AsyncGenerator<FileDamage, void, undefined> {
  const catalog: Catalog = await live.ask(current => current)
  const after = (await live.ask(current => current.liveIn(pack)))?.live ?? 0
  if (before >= found && found >= after) return
  live.rebuild(catalog)
  yield { kind: 'file', file: 'index.sqlite', reason: 'does not say what the segments say' }
}
