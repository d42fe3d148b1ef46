/* Packs and their segments as files: which there are, what they list, and writing a segment anew. */
import { scanPack } from './reading.ts'
import { decodeSegment, encodeSegment, type Placed } from './segments.ts'
import { type Listed, packIn, packName, type Shelf, segmentName, Unreadable } from './shelf.ts'

export async function packsOn(shelf: Shelf) {
  const segments = new Map<string, Listed>()
  const packs = new Map<string, Listed>()
  for await (const listed of shelf.list('packs')) {
    const found = packIn(listed.name)
    if (found?.is === 'segment') segments.set(found.pack, listed)
    if (found?.is === 'pack') packs.set(found.pack, listed)
  }
  return { segments, packs }
}

/** Where the segment of a pack says its objects lie; undefined if it is missing, or damaged. */
export async function soundSegment(shelf: Shelf, pack: string): Promise<Placed[] | undefined> {
  const bytes = await shelf.readWhole(segmentName(pack))
  return bytes && decodeSegment(pack, bytes)
}

/** As `soundSegment`, but of a damaged one what lies in its pack; undefined if it is missing, or its
 * pack is. */
export async function readSegment(shelf: Shelf, pack: string): Promise<Placed[] | undefined> {
  const bytes = await shelf.readWhole(segmentName(pack))
  const listed = bytes && decodeSegment(pack, bytes)
  if (bytes === undefined || listed !== undefined) return listed
  return scanPack(shelf, pack).catch(unreadable)
}

/** Writes a segment anew from its pack; undefined if that cannot be read. `known`: what else knows of
 * objects in it; where it lies is theirs, even if the bytes there are others by now. Not to be done
 * while somebody removes the pack: see remaking.ts. */
export async function writeSegment(
  shelf: Shelf,
  pack: string,
  known: readonly Placed[],
): Promise<Placed[] | undefined> {
  const offsets = new Set(known.map(({ offset }) => offset))
  const scanned = await scanPack(shelf, pack).catch(unreadable)
  if (scanned === undefined) return undefined
  const found = [...known, ...scanned.filter(({ offset }) => !offsets.has(offset))]
  await shelf.write(segmentName(pack), encodeSegment(pack, found))
  await shelf.settle('packs')
  if (!shelf.shared || (await shelf.facts(packName(pack))) !== undefined) return found
  await shelf.remove([segmentName(pack)])
  return undefined
}

function unreadable(error: unknown): undefined {
  if (!(error instanceof Unreadable)) throw error
}
