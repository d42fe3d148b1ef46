/* Reading the catalogue's pointers. A repository's name may be the beginning of another's (`team` and
 * `team/images`), so whatever lies below a prefix is looked at for a further slash. */
import type { Ledger, Pointer } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'
import { pointerOf } from './pointers.ts'

const PAGE = 1000

export interface Version {
  readonly repository: string
  readonly number: number
  readonly entity: string
  /** Of the statement that made it a version. */
  readonly seq: number
  readonly at: string
}

export interface Tag {
  readonly tag: string
  readonly entity: string
  readonly seq: number
  readonly at: string
}

/** Pointers whose names begin so and go on with this many slashes, by name. */
export async function* pointersBelow(
  ledger: Ledger,
  prefix: string,
  { after, slashes = 0 }: { after?: string; slashes?: number } = {},
): AsyncGenerator<Pointer> {
  for (let last = after; ; ) {
    const page = await ledger.pointers(prefix, { limit: PAGE, ...(last && { after: last }) })
    for (const pointer of page) {
      if (pointer.name.slice(prefix.length).split('/').length === slashes + 1) yield pointer
    }
    if (page.length < PAGE) return
    last = page.at(-1)?.name
  }
}

export async function versionAt(
  ledger: Ledger,
  ws: string,
  repository: string,
  number: number,
): Promise<Version | undefined> {
  if (number < 1 || number > NUMBER_MAX) return undefined
  const pointer = await pointerAt(ledger, pointerOf.version(ws, repository, number))
  return pointer && versionOf(repository, pointer)
}

const NUMBER_MAX = 99_999_999

/** Versions with a number below this one (absent: all), newest first. Those that were removed leave
 * gaps, so the window of numbers that is looked into grows. */
export async function* versionsBelow(
  ledger: Ledger,
  ws: string,
  repository: string,
  below?: number,
): AsyncGenerator<Version> {
  const last = await pointerAt(ledger, pointerOf.versions(ws, repository))
  let high = Math.min(below ?? Number.POSITIVE_INFINITY, Number(last?.target ?? 0) + 1)
  for (let window = 4; high > 1; window = Math.min(window * 2, PAGE)) {
    const low = Math.max(1, high - window)
    yield* await versionsBetween(ledger, ws, repository, low, high)
    high = low
  }
}

/** Newest first; `low` is one of them, `high` is not. */
async function versionsBetween(
  ledger: Ledger,
  ws: string,
  repository: string,
  low: number,
  high: number,
): Promise<Version[]> {
  const found: Version[] = []
  const after = pointerOf.version(ws, repository, low - 1)
  const end = pointerOf.version(ws, repository, high)
  const prefix = after.slice(0, after.lastIndexOf('/') + 1)
  for await (const pointer of pointersBelow(ledger, prefix, { after })) {
    if (pointer.name >= end) break
    found.push(versionOf(repository, pointer))
  }
  return found.reverse()
}

export async function newestVersion(
  ledger: Ledger,
  ws: string,
  repository: string,
): Promise<Version | undefined> {
  for await (const version of versionsBelow(ledger, ws, repository)) return version
  return undefined
}

function versionOf(repository: string, { name, target, seq, at }: Pointer): Version {
  const number = Number(name.slice(name.lastIndexOf('/') + 1))
  return { repository, number, entity: target, seq, at }
}

/** Tags by name. */
export async function tagsOf(ledger: Ledger, ws: string, repository: string): Promise<Tag[]> {
  const prefix = pointerOf.tag(ws, repository, '')
  const pointers = await Array.fromAsync(pointersBelow(ledger, prefix))
  return pointers.map(({ name, target, seq, at }) => {
    return { tag: name.slice(prefix.length), entity: target, seq, at }
  })
}

export interface Place {
  readonly repository: string
  readonly number: number
}

/** Where an entity is a version, by repository. */
export async function placesOf(ledger: Ledger, ws: string, entity: string): Promise<Place[]> {
  const prefix = pointerOf.place(ws, entity, '')
  const pointers = await ledger.pointers(prefix)
  return pointers.map(({ name, target }) => {
    return { repository: name.slice(prefix.length), number: Number(target) }
  })
}

export async function placeIn(
  ledger: Ledger,
  ws: string,
  entity: string,
  repository: string,
): Promise<number | undefined> {
  const pointer = await pointerAt(ledger, pointerOf.place(ws, entity, repository))
  return pointer && Number(pointer.target)
}

/** Names of the repositories of a workspace, also of those whose versions were all removed. */
export async function* repositoryNames(
  ledger: Ledger,
  ws: string,
  after?: string,
): AsyncGenerator<string> {
  const prefix = pointerOf.versions(ws, '')
  for (let last = after === undefined ? undefined : prefix + after; ; ) {
    const page = await ledger.pointers(prefix, { limit: PAGE, ...(last && { after: last }) })
    for (const { name } of page) yield name.slice(prefix.length)
    if (page.length < PAGE) return
    last = page.at(-1)?.name
  }
}
