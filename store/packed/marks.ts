/* Marks: what happened to copies after their segments were written.
 *
 *   marks/<id>.gone     these copies were removed
 *   marks/<id>.bad      these copies were found damaged
 *
 * A condemnation has a number of 12 digits, and at most one is open at a time:
 *
 *   marks/<number>.begin          a word: who began it; created once
 *   marks/<number>.<id>.dying     these copies are condemned
 *   marks/<number>.<id>.spared    these no longer
 *   marks/<number>.end            'removed' (the condemned copies are gone) or 'released' (they live);
 *                                 created once, so it is one or the other, whoever else tries */
import { newId } from '../../api/ids.ts'
import { type Copy, decodeMark, encodeMark, opened, sealed } from './segments.ts'
import { Missed, type Shelf } from './shelf.ts'

export type Verdict = 'removed' | 'released'

export type Mark =
  | { readonly name: string; readonly kind: 'gone' | 'bad' }
  | {
      readonly name: string
      readonly kind: 'dying' | 'spared' | 'begin' | 'end'
      /** Of the condemnation. */
      readonly number: string
    }

/** In one mark. */
export const COPIES_MAX = 32 * 1024
const TEXT = Buffer.from('KT1\0', 'latin1')
const ORDER = ['gone', 'bad', 'dying', 'spared', 'begin', 'end']

/** undefined for a file that is no mark. */
export function parseMark(name: string): Mark | undefined {
  const plain = /^[0-9a-f]{32}\.(gone|bad)$/.exec(name)
  if (plain !== null) return { name, kind: plain[1] as 'gone' | 'bad' }
  const [, number, text] = /^(\d{12})\.(begin|end)$/.exec(name) ?? []
  if (number !== undefined) return { name, number, kind: text as 'begin' | 'end' }
  const [, of, copies] = /^(\d{12})\.[0-9a-f]{32}\.(dying|spared)$/.exec(name) ?? []
  if (of !== undefined) return { name, number: of, kind: copies as 'dying' | 'spared' }
  return undefined
}

/** In the order in which they count: `dying` before `spared`, both before `end`. */
export async function marksOn(shelf: Shelf): Promise<Mark[]> {
  const marks: Mark[] = []
  for await (const { name } of shelf.list('marks')) {
    const mark = parseMark(name)
    if (mark !== undefined) marks.push(mark)
  }
  return marks.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
}

/** Condemnations by number, each with its marks in the order in which they count. */
export function condemnationsIn(marks: readonly Mark[]): { number: string; marks: Mark[] }[] {
  const byNumber = Map.groupBy(
    marks.filter(mark => 'number' in mark),
    mark => mark.number,
  )
  return [...byNumber]
    .map(([number, all]) => ({ number, marks: all }))
    .sort((a, b) => (a.number < b.number ? -1 : 1))
}

/** Writes marks durably; answers their names. If it fails on a shelf of its own, none is left; on a
 * shared one others may have seen some already, so they stay. */
export async function writeMarks(
  shelf: Shelf,
  kind: 'gone' | 'bad' | 'dying' | 'spared',
  copies: readonly Copy[],
  number?: string,
): Promise<string[]> {
  const names: string[] = []
  try {
    for (let at = 0; at < copies.length; at += COPIES_MAX) {
      const name = `${number === undefined ? '' : `${number}.`}${newId()}.${kind}`
      names.push(name)
      await shelf.write(`marks/${name}`, encodeMark(kind, copies.slice(at, at + COPIES_MAX)))
    }
    if (names.length > 0) await shelf.settle('marks')
    return names
  } catch (error) {
    if (!shelf.shared) {
      await shelf.remove(names.map(name => `marks/${name}`))
      await shelf.settle('marks').catch(() => undefined)
    }
    throw error
  }
}

/** Whether there may be only one of it, and it holds a word. */
export function isText({ kind }: Mark): boolean {
  return kind === 'begin' || kind === 'end'
}

/** Creates a mark that there may be only one of; false if there is one. */
export async function createMark(shelf: Shelf, name: string, word: string): Promise<boolean> {
  const created = await shelf.create(`marks/${name}`, encodeText(word))
  await shelf.settle('marks')
  return created
}

/** Writes such a mark in the place of a damaged one. */
export async function writeText(shelf: Shelf, name: string, word: string): Promise<void> {
  await shelf.write(`marks/${name}`, encodeText(word))
  await shelf.settle('marks')
}

/** What such a mark says; undefined if it is missing or damaged. */
export async function readText(shelf: Shelf, name: string): Promise<string | undefined> {
  const input = await shelf.readWhole(`marks/${name}`)
  return input && opened(input, TEXT)?.toString('utf8', TEXT.length).split(' ')[0]
}

/** What a damaged `end` says: the two words differ in length. */
export function salvageText(input: Buffer): Verdict {
  return input.length === encodeText('removed').length ? 'removed' : 'released'
}

/** No two are equal, so whoever created it can tell. */
function encodeText(word: string): Buffer {
  return sealed(Buffer.concat([TEXT, Buffer.from(`${word} ${newId()}`)]))
}

/** The copies that a mark speaks of; undefined if it is damaged. Throws Missed if it is gone. */
export async function readMark(shelf: Shelf, { name, kind }: Mark): Promise<Copy[] | undefined> {
  if (kind === 'begin' || kind === 'end') return []
  const input = await shelf.readWhole(`marks/${name}`)
  if (input === undefined) throw new Missed()
  return decodeMark(kind, input)
}
