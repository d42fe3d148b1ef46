/* Bringing the catalog up to what lies on the disk: at every start, and when it turns out damaged.
 * Sweeps what a crash left: packs without a segment, temporary files. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { newId } from '../api/ids.ts'
import { Catalog, isDamagedCatalog, StaleCatalog } from './catalog.ts'
import { type Files, type Layout, writeWhole } from './files.ts'
import { removePacks, scanPack } from './packs.ts'
import {
  type Copy,
  decodeMark,
  decodeSegment,
  encodeMark,
  encodeSegment,
  type MarkKind,
  type Placed,
} from './segments.ts'

/** More marks than this are merged into one of each kind. */
const MARKS_MAX = 64

/** Opens the catalog and makes it say what the segments and marks say. */
export async function openCatalog(files: Files, layout: Layout): Promise<Catalog> {
  await sweep(files, layout)
  try {
    return await caughtUp(files, layout)
  } catch (error) {
    if (!isDamagedCatalog(error)) throw error
    return rebuildCatalog(files, layout)
  }
}

/** Throws the catalog away and builds it anew. */
export async function rebuildCatalog(files: Files, layout: Layout): Promise<Catalog> {
  for (const end of ['', '-wal', '-shm']) await files.remove(layout.catalog + end)
  return caughtUp(files, layout)
}

/** Where the segment of a pack says its objects lie. A damaged segment is written anew from the
 * pack itself; undefined if neither can be read. */
export async function readSegment(
  files: Files,
  layout: Layout,
  pack: string,
): Promise<Placed[] | undefined> {
  const bytes = await readFile(layout.segment(pack)).catch(() => Buffer.alloc(0))
  const objects = decodeSegment(pack, bytes)
  if (objects !== undefined || !existsSync(layout.pack(pack))) return objects
  const found = await scanPack(layout.pack(pack))
  await writeWhole(files, layout.segment(pack), encodeSegment(pack, found))
  await files.syncFolder(layout.packs)
  return found
}

async function sweep(files: Files, layout: Layout): Promise<void> {
  const names = new Set(await readdir(layout.packs))
  for (const name of names) {
    const garbage = name.endsWith('.pack') && !names.has(name.replace(/\.pack$/, '.idx'))
    if (garbage || name.endsWith('.tmp')) await files.remove(`${layout.packs}/${name}`)
  }
  for (const name of await readdir(layout.marks)) {
    if (name.endsWith('.tmp')) await files.remove(layout.mark(name))
  }
}

async function caughtUp(files: Files, layout: Layout): Promise<Catalog> {
  const catalog = new Catalog(layout.catalog)
  try {
    await catchUp(files, layout, catalog)
    return catalog
  } catch (error) {
    catalog.close()
    throw error
  }
}

async function catchUp(files: Files, layout: Layout, catalog: Catalog): Promise<void> {
  // What was removed just before a power loss: the catalog may not remember, the mark does.
  await applyMarks(files, layout, catalog, false)
  const names = await readdir(layout.packs)
  const onDisk = new Set(names.filter(one => one.endsWith('.idx')).map(one => one.slice(0, -4)))
  const known = new Set(catalog.packs())
  if (known.difference(onDisk).size > 0) throw new StaleCatalog()
  const fresh = onDisk.difference(known)
  for (const pack of fresh) {
    const objects = await readSegment(files, layout, pack)
    if (objects === undefined) await files.remove(layout.segment(pack))
    else catalog.add(pack, objects)
  }
  // Older marks may speak of packs that the catalog has only just learned of.
  if (fresh.size > 0) await applyMarks(files, layout, catalog, true)
  const packs = new Set(names.filter(one => one.endsWith('.pack')).map(one => one.slice(0, -5)))
  for (const pack of catalog.packs()) {
    if (packs.has(pack)) continue
    const lost = (await readSegment(files, layout, pack)) ?? []
    catalog.setDamaged(lost.map(({ raw }) => ({ raw, pack })))
  }
}

/** Tells the catalog of the marks that it has not heard of yet, or of all. */
async function applyMarks(files: Files, layout: Layout, catalog: Catalog, all: boolean) {
  const known = new Set(catalog.marks())
  const names = (await readdir(layout.marks)).filter(name => kindOf(name) !== undefined)
  for (const name of names) {
    if (known.has(name) && !all) continue
    const copies = await readMark(layout, name)
    if (kindOf(name) === 'bad') catalog.setDamaged(copies)
    else await removePacks(files, layout, catalog.drop(copies))
    catalog.addMark(name)
  }
  for (const name of known.difference(new Set(names))) catalog.dropMark(name)
  if (names.length > MARKS_MAX) await mergeMarks(files, layout, catalog, names)
}

/** Writes one mark instead of many, without what it says of packs that are no more. */
async function mergeMarks(files: Files, layout: Layout, catalog: Catalog, names: string[]) {
  const packs = new Set(catalog.packs())
  for (const kind of ['gone', 'bad'] as const) {
    const old = names.filter(name => kindOf(name) === kind)
    const copies: Copy[] = []
    for (const name of old) {
      copies.push(...(await readMark(layout, name)).filter(({ pack }) => packs.has(pack)))
    }
    if (copies.length > 0) catalog.addMark(await writeMark(files, layout, kind, copies))
    for (const name of old) {
      await files.remove(layout.mark(name))
      catalog.dropMark(name)
    }
  }
}

/** Writes a mark durably; answers its name. */
export async function writeMark(
  files: Files,
  layout: Layout,
  kind: MarkKind,
  copies: readonly Copy[],
): Promise<string> {
  const name = `${newId()}.${kind}`
  await writeWhole(files, layout.mark(name), encodeMark(kind, copies))
  await files.syncFolder(layout.marks)
  return name
}

/** A mark that is itself damaged says nothing: at worst, garbage comes back. */
async function readMark(layout: Layout, name: string): Promise<Copy[]> {
  return decodeMark(kindOf(name) ?? 'gone', await readFile(layout.mark(name))) ?? []
}

function kindOf(name: string): MarkKind | undefined {
  if (name.endsWith('.gone')) return 'gone'
  return name.endsWith('.bad') ? 'bad' : undefined
}
