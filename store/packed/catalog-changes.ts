/* How the catalog learns of copies, and how their states change. Keeps the totals and the counts of
 * each pack true. Segments and marks may come in any order: what a mark says of a copy that is not
 * listed yet is kept until its segment has come. */
import { AWAITED, type CopyRow, GONE, isReadable, LOST, type Queries } from './catalog-queries.ts'
import type { Copy, Placed } from './segments.ts'

/** Adds some of what a pack's segment lists. A second time is no error. */
export function addCopies(ask: Queries, pack: string, objects: readonly Placed[]): void {
  const { number, whole } = packOf(ask, pack)
  if (whole) return
  const sums = { bytes: 0, live: 0, liveBytes: 0, freshObjects: 0, freshBytes: 0 }
  for (const placed of objects) {
    const rows = ask.copies.all(placed.raw)
    const row = rows.find(one => one.number === number)
    if (row !== undefined && (row.state & AWAITED) === 0) continue
    const state = (row?.state ?? 0) & ~AWAITED
    place(ask, number, placed, row, state)
    sums.bytes += placed.length
    if ((state & GONE) !== 0) continue
    sums.live++
    sums.liveBytes += placed.length
    if ((state & LOST) !== 0 || rows.some(isReadable)) continue
    sums.freshObjects++
    sums.freshBytes += placed.length
  }
  ask.growPack.run(sums.bytes, sums.live, sums.liveBytes, number)
  if (sums.freshObjects > 0) ask.count.run(sums.freshObjects, sums.freshBytes)
}

/** All that its segment lists has been added. */
export function completePack(ask: Queries, pack: string, since: number): void {
  const { number } = packOf(ask, pack)
  ask.dropTombs.run(number)
  ask.completePack.run(Math.floor(since), number)
}

/** Objects that can be read no longer, and their bytes. */
export interface Lost {
  readonly objects: number
  readonly bytes: number
}

/** Changes the states of copies. */
export function changeCopies(
  ask: Queries,
  copies: readonly Copy[],
  change: (state: number) => number,
): Lost {
  const tally = new Tally(ask)
  for (const copy of copies) changeCopy(ask, tally, copy, change)
  return tally.settle()
}

/** What many changes sum up to, written once. */
class Tally {
  readonly #ask: Queries
  readonly #packs = new Map<string, boolean>()
  readonly #gone = new Map<number, { objects: number; bytes: number }>()
  readonly #lost = { objects: 0, bytes: 0 }

  constructor(ask: Queries) {
    this.#ask = ask
  }

  isWhole(pack: string): boolean {
    const known = this.#packs.get(pack)
    if (known !== undefined) return known
    const whole = this.#ask.pack.one(pack)?.whole === 1
    this.#packs.set(pack, whole)
    return whole
  }

  gone({ number, length }: CopyRow): void {
    const sum = this.#gone.get(number) ?? { objects: 0, bytes: 0 }
    this.#gone.set(number, { objects: sum.objects + 1, bytes: sum.bytes + length })
  }

  lost({ length }: CopyRow): void {
    this.#lost.objects++
    this.#lost.bytes += length
  }

  settle(): Lost {
    for (const [number, { objects, bytes }] of this.#gone) {
      this.#ask.growPack.run(0, -objects, -bytes, number)
    }
    const { objects, bytes } = this.#lost
    if (objects > 0) this.#ask.count.run(-objects, -bytes)
    return this.#lost
  }
}

function changeCopy(
  ask: Queries,
  tally: Tally,
  { raw, pack }: Copy,
  change: (state: number) => number,
): void {
  const rows = ask.copies.all(raw)
  const row = rows.find(one => one.pack === pack)
  if (row === undefined || (row.state & AWAITED) !== 0) {
    awaitCopy(ask, { raw, pack }, change(row?.state ?? AWAITED), row)
    return
  }
  const state = change(row.state)
  if (state === row.state) return
  const gone = (state & GONE) !== 0
  // While its segment is still being added, the row keeps the copy from coming back.
  if (gone && tally.isWhole(pack)) ask.dropObject.run(raw, row.number)
  else ask.setState.run(state, raw, row.number)
  if (gone && (row.state & GONE) === 0) tally.gone(row)
  const elsewhere = rows.some(one => one !== row && isReadable(one))
  if (isReadable(row) && (state & LOST) !== 0 && !elsewhere) tally.lost(row)
}

/** A copy that is not listed: of a pack that is known whole it is gone; of another it may come, and
 * will then have this state. */
function awaitCopy(ask: Queries, { raw, pack }: Copy, state: number, row?: CopyRow): void {
  const { number, whole } = packOf(ask, pack)
  if (whole) return
  if (state === AWAITED) ask.dropObject.run(raw, number)
  else if (row === undefined) ask.addObject.run(raw, number, 0, 0, state)
  else ask.setState.run(state, raw, number)
}

function place(
  ask: Queries,
  number: number,
  { raw, offset, length }: Placed,
  row: CopyRow | undefined,
  state: number,
): void {
  if (row === undefined) ask.addObject.run(raw, number, offset, length, state)
  else ask.placeObject.run(offset, length, state, raw, number)
}

function packOf(ask: Queries, id: string) {
  ask.addPack.run(id)
  const { number, whole, live } = ask.pack.one(id) ?? { number: 0, whole: 0, live: 0 }
  return { number, whole: whole === 1, live }
}
