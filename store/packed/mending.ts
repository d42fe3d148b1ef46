/* Damaged marks, made anew. A mark with a flipped bit still names all copies but one, and what it
 * says of them is said again only where the catalog agrees. */
import type { Catalog } from './catalog.ts'
import { DAMAGED } from './catalog-queries.ts'
import { release } from './condemning.ts'
import { type Ground, mark } from './ground.ts'
import { isText, type Mark, marksOn, readMark, readText, salvageText, writeText } from './marks.ts'
import { type Copy, salvageMark } from './segments.ts'
import { Missed } from './shelf.ts'

/** Names the files that were damaged. */
export async function* mendMarks(ground: Ground): AsyncGenerator<string, void, undefined> {
  const mended = new Set<string>()
  for (const one of await marksOn(ground.shelf)) {
    if (!(await isDamaged(ground, one))) continue
    yield `marks/${one.name}`
    if (isText(one)) await mendText(ground, one)
    else if (!('number' in one)) await mendPlain(ground, one)
    else if (!mended.has(one.number)) await mendCondemnation(ground, one.number)
    if ('number' in one && !isText(one)) mended.add(one.number)
  }
}

async function isDamaged({ shelf }: Ground, mark: Mark): Promise<boolean> {
  try {
    if (isText(mark)) return (await readText(shelf, mark.name)) === undefined
    return (await readMark(shelf, mark)) === undefined
  } catch (error) {
    // Merged with others meanwhile.
    if (error instanceof Missed) return false
    throw error
  }
}

async function mendText({ shelf }: Ground, mark: Mark): Promise<void> {
  const input = await shelf.readWhole(`marks/${mark.name}`)
  await writeText(shelf, mark.name, mark.kind === 'end' && input ? salvageText(input) : '')
}

async function mendPlain(ground: Ground, mark: Mark): Promise<void> {
  const agreed = mark.kind === 'bad' ? isBad : isGone
  await sayAgain(ground, mark.kind === 'bad' ? 'bad' : 'gone', [mark], agreed)
  await takeAway(ground, [mark])
}

/** One that is open is released: a collection can be run again. Of one that has ended the copies
 * that are gone go into plain marks. */
async function mendCondemnation(ground: Ground, number: string): Promise<void> {
  await release(ground, number)
  const marks = (await marksOn(ground.shelf)).filter(
    mark => 'number' in mark && mark.number === number,
  )
  const dying = marks.filter(mark => mark.kind === 'dying')
  const removed = (await readText(ground.shelf, `${number}.end`)) === 'removed'
  if (removed) await sayAgain(ground, 'gone', dying, isGone)
  // What condemns goes before what spares.
  await takeAway(ground, dying)
  await takeAway(
    ground,
    marks.filter(mark => mark.kind === 'spared'),
  )
}

async function sayAgain(
  ground: Ground,
  kind: 'gone' | 'bad',
  marks: readonly Mark[],
  agreed: (catalog: Catalog, copy: Copy) => boolean,
): Promise<void> {
  for (const { name } of marks) {
    const input = await ground.shelf.readWhole(`marks/${name}`)
    const copies = salvageMark(input ?? Buffer.alloc(0))
    const said = await ground.live.ask(catalog => copies.filter(copy => agreed(catalog, copy)))
    await mark(ground, kind, said)
  }
}

async function takeAway({ shelf, live }: Ground, marks: readonly Mark[]): Promise<void> {
  await shelf.remove(marks.map(({ name }) => `marks/${name}`))
  await shelf.settle('marks')
  await live.ask(catalog => {
    for (const { name } of marks) catalog.dropMark(name)
  })
}

function isGone(catalog: Catalog, copy: Copy): boolean {
  return catalog.liveIn(copy.pack) !== undefined && catalog.copy(copy) === undefined
}

function isBad(catalog: Catalog, copy: Copy): boolean {
  return ((catalog.copy(copy)?.state ?? 0) & DAMAGED) !== 0
}
