/* What marks do to the catalog, and to each other when they become many. */
import { setImmediate } from 'node:timers/promises'
import { DigestSet } from '../../api/digest-set.ts'
import type { Catalog } from './catalog.ts'
import type { Lost } from './catalog-changes.ts'
import {
  COPIES_MAX,
  condemnationsIn,
  isText,
  type Mark,
  marksOn,
  readMark,
  readText,
  type Verdict,
  writeMarks,
} from './marks.ts'
import type { Copy } from './segments.ts'
import { packIn, type Shelf } from './shelf.ts'

/** More marks than this are merged. */
const MARKS_MAX = 64
/** On a shared shelf others may only just hear of a mark. */
const MERGED_AFTER_MS = 3600_000
const SLICE = 1024

interface Effect {
  readonly kind: Mark['kind'] | Verdict
  readonly copies: readonly Copy[]
}

/** Tells the catalog of the marks that it has not heard of yet, or of all. What they say of packs
 * that it does not know is of packs that are no more. */
export async function applyMarks(
  shelf: Shelf,
  catalog: Catalog,
  marks: readonly Mark[],
  all: boolean,
): Promise<void> {
  const known = new Set(catalog.marks())
  const packs = new Set(catalog.packs().map(({ id }) => id))
  const isNew = ({ name }: Mark) => all || !known.has(name)
  const apply = async (mark: Mark) => {
    await applyMark(shelf, catalog, mark, ({ pack }) => packs.has(pack))
  }
  for (const mark of marks) if (!('number' in mark) && isNew(mark)) await apply(mark)
  for (const condemnation of condemnationsIn(marks)) {
    const end = condemnation.marks.find(mark => mark.kind === 'end')
    if (end !== undefined && !isNew(end)) continue
    for (const mark of condemnation.marks) await apply(mark)
  }
  for (const name of known.difference(new Set(marks.map(mark => mark.name)))) {
    catalog.dropMark(name)
  }
}

/** Tells the catalog of one mark. */
export async function applyMark(
  shelf: Shelf,
  catalog: Catalog,
  mark: Mark,
  wanted: (copy: Copy) => boolean = () => true,
): Promise<Lost> {
  let lost: Lost = { objects: 0, bytes: 0 }
  for await (const copies of sliced(effectOf(shelf, mark))) {
    const more = change(catalog, copies.kind, copies.copies.filter(wanted))
    lost = { objects: lost.objects + more.objects, bytes: lost.bytes + more.bytes }
  }
  catalog.addMark(mark.name)
  return lost
}

/** The copies that a mark speaks of, and what becomes of them. */
async function* effectOf(shelf: Shelf, mark: Mark): AsyncGenerator<Effect, void, undefined> {
  if (mark.kind !== 'end' || !('number' in mark)) {
    yield { kind: mark.kind, copies: (await readMark(shelf, mark)) ?? [] }
    return
  }
  const verdict = await readText(shelf, mark.name)
  for (const other of await marksOn(shelf)) {
    if (other.kind !== 'dying' || !('number' in other) || other.number !== mark.number) continue
    yield {
      kind: verdict === 'removed' ? 'removed' : 'released',
      copies: (await readMark(shelf, other)) ?? [],
    }
  }
}

async function* sliced(effects: AsyncIterable<Effect>): AsyncGenerator<Effect, void, undefined> {
  for await (const { kind, copies } of effects) {
    for (let at = 0; at < copies.length; at += SLICE) {
      yield { kind, copies: copies.slice(at, at + SLICE) }
      await setImmediate()
    }
  }
}

/** Condemned copies that no open condemnation stands for are living. */
export async function settleCondemned(catalog: Catalog, marks: readonly Mark[]): Promise<void> {
  if (openCondemnation(marks) !== undefined) return
  for (;;) {
    const copies = catalog.condemned(SLICE)
    if (copies.length === 0) return
    catalog.spare(copies)
    await setImmediate()
  }
}

/** The number of the condemnation that has not ended. */
export function openCondemnation(marks: readonly Mark[]): string | undefined {
  const last = condemnationsIn(marks).at(-1)
  if (last === undefined || last.marks.some(mark => mark.kind === 'end')) return undefined
  return last.number
}

/** Writes one mark instead of many, without what they say of packs that are no more, and takes away
 * what is left of condemnations. */
export async function mergeMarks(shelf: Shelf, catalog: Catalog, now: number): Promise<void> {
  const marks: Mark[] = []
  for (const mark of await marksOn(shelf)) {
    const { at } = (shelf.shared ? await shelf.facts(`marks/${mark.name}`) : undefined) ?? { at: 0 }
    if (at <= now - MERGED_AFTER_MS || !shelf.shared) marks.push(mark)
  }
  const ended = condemnationsIn(marks).filter(one => one.marks.some(mark => mark.kind === 'end'))
  const plain = marks.filter(mark => mark.kind === 'gone' || mark.kind === 'bad')
  if (ended.length === 0 && plain.length <= MARKS_MAX) return
  // What was removed must not come back, by a loss of power, once nothing says that it was.
  await shelf.settle('packs')
  const packs = await packsThere(shelf, catalog)
  for (const { marks: own } of ended) await buryCondemnation(shelf, catalog, own, packs)
  if (plain.length <= MARKS_MAX) return
  for (const kind of ['gone', 'bad'] as const) {
    const old = await sound(
      shelf,
      plain.filter(mark => mark.kind === kind),
    )
    await rewrite(shelf, catalog, kind, old, ({ pack }) => packs.has(pack))
    await shelf.remove(old.map(({ name }) => `marks/${name}`))
    for (const { name } of old) catalog.dropMark(name)
  }
}

/** What it removed goes into plain marks; then its own go, those that condemn before all others. */
async function buryCondemnation(
  shelf: Shelf,
  catalog: Catalog,
  marks: readonly Mark[],
  packs: ReadonlySet<string>,
) {
  const of = (...kinds: Mark['kind'][]) => marks.filter(({ kind }) => kinds.includes(kind))
  if ((await sound(shelf, marks)).length < marks.length) return
  const [end] = of('end')
  const removed = end !== undefined && (await readText(shelf, end.name)) === 'removed'
  if (removed) {
    const spared = new DigestSet()
    for (const mark of of('spared')) {
      for (const { raw } of (await readMark(shelf, mark)) ?? []) spared.addPacked(raw)
    }
    const wanted = ({ raw, pack }: Copy) => packs.has(pack) && !spared.hasRaw(raw)
    await rewrite(shelf, catalog, 'gone', of('dying'), wanted)
  }
  for (const some of [of('dying'), of('spared', 'begin')]) {
    await shelf.remove(some.map(({ name }) => `marks/${name}`))
    await shelf.settle('marks')
    for (const { name } of some) catalog.dropMark(name)
  }
  // The last number stays, so that the next one is greater.
  const later = (await marksOn(shelf)).some(
    mark => 'number' in mark && end !== undefined && 'number' in end && mark.number > end.number,
  )
  if (!later || end === undefined) return
  await shelf.remove([`marks/${end.name}`])
  catalog.dropMark(end.name)
}

/** Those that can be read. The others are for a check to mend. */
async function sound(shelf: Shelf, marks: readonly Mark[]): Promise<Mark[]> {
  const found: Mark[] = []
  for (const mark of marks) {
    const said = isText(mark) ? await readText(shelf, mark.name) : await readMark(shelf, mark)
    if (said !== undefined) found.push(mark)
  }
  return found
}

/** Packs of which anything is there. On a shared shelf one that the catalog has forgotten may be among
 * them (remaking.ts). */
async function packsThere(shelf: Shelf, catalog: Catalog): Promise<Set<string>> {
  const packs = new Set(catalog.packs().map(({ id }) => id))
  for await (const { name } of shelf.list('packs')) {
    const found = packIn(name)
    if (found !== undefined) packs.add(found.pack)
  }
  return packs
}

/** Says again, in few marks, what these say that is wanted. */
async function rewrite(
  shelf: Shelf,
  catalog: Catalog,
  kind: 'gone' | 'bad',
  old: readonly Mark[],
  wanted: (copy: Copy) => boolean,
): Promise<void> {
  let copies: Copy[] = []
  const write = async () => {
    for (const name of await writeMarks(shelf, kind, copies)) catalog.addMark(name)
    copies = []
  }
  for (const mark of old) {
    for (const copy of (await readMark(shelf, mark)) ?? []) {
      if (wanted(copy)) copies.push(copy)
    }
    if (copies.length >= COPIES_MAX) await write()
  }
  await write()
}

function change(catalog: Catalog, kind: Effect['kind'], copies: readonly Copy[]): Lost {
  if (kind === 'gone') return catalog.drop(copies)
  if (kind === 'removed') return catalog.dropCondemned(copies)
  if (kind === 'bad') catalog.setDamaged(copies)
  if (kind === 'dying') catalog.setCondemned(copies)
  if (kind === 'spared' || kind === 'released') catalog.spare(copies)
  return { objects: 0, bytes: 0 }
}
