/* What is loose in a remote becomes one version of its repository, a folder in which each object is
 * called what the tool calls it. An object that the newest version has already is in sight. */
import type { Digest } from '../../api/digest.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { FileReader, type Item, putFolder, walkTree } from '../../store/trees.ts'
import { newestVersion } from '../catalogue/versions.ts'
import { recordsOf } from '../jobs/reading.ts'
import type { Rooms } from '../rooms.ts'
import type { Claim, Claims } from './claims.ts'
import { itemOf, type KeptObject, keyOf, nameIn, type Objects, type Remote } from './objects.ts'
import { commitVersion } from './versions.ts'

/** Objects of one version. */
const LOOSE_MAX = 10_000

export interface Collecting {
  readonly parts: Rooms
  readonly objects: Objects
  readonly claims: Claims
  /** What the history of the repository says. */
  readonly message: string
  /** What an object is called in the folder. */
  readonly fileName: (object: string) => string
}

/** Names of objects that are loose, some of them if they are very many. */
export async function looseIn(ledger: Ledger, remote: Remote): Promise<string[]> {
  const loose: string[] = []
  for await (const { key } of recordsOf(ledger, keyOf.loose(remote, ''))) {
    loose.push(nameIn(key))
    if (loose.length === LOOSE_MAX) break
  }
  return loose
}

/** They are loose until they are claimed: whoever begins again after a stop finds the version. */
export async function makeLooseVersion(
  collecting: Collecting,
  remote: Remote,
  loose: readonly string[],
): Promise<void> {
  const { objects, claims } = collecting
  const fresh = new Map<string, KeptObject>()
  const gone: Claim[] = []
  for (const name of loose) {
    const { object } = await objects.look(remote, name)
    if (object) fresh.set(name, object)
    else gone.push({ name, file: undefined, within: undefined, holder: undefined })
  }
  await claims.settle(remote, gone)
  await claims.settle(remote, inNewest(collecting, remote, fresh))
  const [first, ...others] = [...fresh.values()].toSorted((a, b) => (a.at < b.at ? -1 : 1))
  if (first !== undefined) await makeVersion(collecting, remote, [first, ...others])
}

/** Those that the newest version has; they are fresh no more. */
async function* inNewest(
  { parts: { ledger, store } }: Collecting,
  { workspace, repository }: Remote,
  fresh: Map<string, KeptObject>,
): AsyncGenerator<Claim> {
  const newest = await newestVersion(ledger, workspace, repository)
  const node = newest && (await ledger.node(newest.entity))
  if (node?.digest === undefined || fresh.size === 0) return
  const byFile = Map.groupBy(fresh.values(), object => object.file)
  for await (const { entry } of walkTree(store, node.digest)) {
    for (const { name, file } of byFile.get(entry.digest) ?? []) {
      fresh.delete(name)
      yield { name, file, within: entry.within, holder: node.id }
    }
  }
}

/** Of these, the oldest first. */
async function makeVersion(
  { parts, claims, message, fileName }: Collecting,
  remote: Remote,
  fresh: readonly [KeptObject, ...KeptObject[]],
): Promise<void> {
  const { ledger, store, intake } = parts
  const [first, ...others] = fresh
  const files = new Map(fresh.map(object => [fileName(object.name), object]))
  const by: [string, ...string[]] = [first.by, ...others.map(object => object.by)]
  const made = await intake.relying(async expect => {
    const folder = await putFolder(store, itemsOf(store, files))
    const said = { attributes: {}, message, by }
    const holder = await commitVersion(ledger, { remote, folder, ...said, expect })
    return { tree: folder.digest, holder }
  })
  await claims.settle(remote, claimsOf(store, made, files))
}

type Files = ReadonlyMap<string, KeptObject>

async function* itemsOf(store: Store, files: Files): AsyncGenerator<Item> {
  const reader = new FileReader(store)
  for (const [path, object] of files) yield itemOf(reader, path, object)
}

async function* claimsOf(
  store: Store,
  { tree, holder }: { tree: Digest; holder: string },
  files: Files,
): AsyncGenerator<Claim> {
  for await (const { path, entry } of walkTree(store, tree)) {
    const object = files.get(path)
    if (object) yield { name: object.name, file: object.file, within: entry.within, holder }
  }
}
