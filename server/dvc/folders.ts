/* Folders that DVC brings become versions: when the list of a folder (`<md5>.dir`) and every file that
 * it names are here, in whatever order they came. Until then a record says what the list waits for;
 * who brings that object looks on. The record goes through
 *
 *   { missing: null | name }   a file is not here; null: not looked yet
 *   { tree, entity }           the version is made; its files are still to be claimed
 *   absent                     done
 *
 * so that whatever is broken off is taken up again by whoever comes next, or by settling. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { Json, RecordWrite } from '../../graph/ledger.ts'
import {
  FileReader,
  type Item,
  putBytes,
  putFolder,
  readSmallFile,
  walkTree,
} from '../../store/trees.ts'
import { type Held, readRecord, recordsOf, retrying } from '../jobs/reading.ts'
import { openTurns } from '../jobs/turns.ts'
import type { Claim, Claims } from '../remotes/claims.ts'
import {
  contentOf,
  FOLDERS,
  itemOf,
  type KeptObject,
  keyOf,
  nameIn,
  type Objects,
  type Remote,
} from '../remotes/objects.ts'
import { commitVersion } from '../remotes/versions.ts'
import type { Rooms } from '../rooms.ts'
import { LISTING_MAX, type Listed, parseListing } from './listing.ts'
import { objectAt, objectOf } from './paths.ts'

type State = { readonly missing: string | null } | Made
interface Made {
  readonly tree: Digest
  readonly entity: string
}

export interface Folders {
  /** Makes what waited for this object into versions; `by` brought it. */
  arrived(remote: Remote, name: string, by: string): Promise<void>
  /** Looks at all that waits. */
  all(remote: Remote): Promise<void>
}

/** What is written with a list that arrives. */
export function waitingRecord(remote: Remote, name: string): RecordWrite {
  return { key: keyOf.folder(remote, name), value: { missing: null } }
}

export function openFolders(parts: Rooms, objects: Objects, claims: Claims): Folders {
  const { ledger, store, intake } = parts
  const turns = openTurns()

  /** `by`: who brought what was missing, if anybody did just now. */
  async function tryOne(remote: Remote, list: string, by?: string): Promise<void> {
    await retrying(() => makeVersion(remote, list, by))
    const made = await readRecord<State>(ledger, keyOf.folder(remote, list))
    if (made === undefined || !('tree' in made.value)) return
    await claims.settle(remote, claimsOf(remote, list, made.value))
    await write(remote, made, null).catch(error => {
      // Another server has done the same.
      if (!isKaosError(error, 'CONFLICT')) throw error
    })
  }

  /** Unless it is made, or something is missing. */
  async function makeVersion(remote: Remote, list: string, by?: string): Promise<void> {
    const waiting = await readRecord<State>(ledger, keyOf.folder(remote, list))
    if (waiting === undefined || 'tree' in waiting.value) return
    const listing = await listingOf(remote, list)
    if (listing === undefined) return
    const missing = await missingOf(remote, list, listing.files)
    if (missing !== undefined) {
      const { name, version } = missing
      if (waiting.value.missing === name) return
      const absent = { record: keyOf.object(remote, name), version }
      await write(remote, waiting, { missing: name }, [absent])
      return
    }
    await intake.relying(async expect => {
      const items = itemsOf(remote, list, listing.files)
      const folder = await putFolder(store, items)
      // The list stays as long as the version: an attribute that names content keeps it.
      const { digest } = await putBytes(store, listing.bytes)
      await commitVersion(ledger, {
        remote,
        folder,
        attributes: { dvc: `${objectAt(list).md5}.dir`, list: digest },
        message: 'dvc push',
        by: [listing.object.by, ...(by === undefined ? [] : [by])],
        expect: [...expect, { record: waiting.key, version: waiting.version }],
        records: entity => [{ key: waiting.key, value: { tree: folder.digest, entity } }],
      })
    })
  }

  async function listingOf(
    remote: Remote,
    list: string,
  ): Promise<{ object: KeptObject; bytes: Buffer; files: Listed[] } | undefined> {
    const { object } = await objects.look(remote, list)
    if (object === undefined) return undefined
    const bytes = await readSmallFile(store, contentOf(object), LISTING_MAX)
    return { object, bytes, files: parseListing(bytes) }
  }

  /** The last of its files that is not here: tools send them in the order of the list. */
  async function missingOf(remote: Remote, list: string, files: readonly Listed[]) {
    const { layout } = objectAt(list)
    for (const { md5 } of files.toReversed()) {
      const name = objectOf(layout, md5, false).path
      const { object, version } = await objects.look(remote, name)
      if (object === undefined) return { name, version }
    }
    return undefined
  }

  async function* itemsOf(
    remote: Remote,
    list: string,
    files: readonly Listed[],
  ): AsyncGenerator<Item> {
    const { layout } = objectAt(list)
    const reader = new FileReader(store)
    for (const { path, md5 } of files) {
      const { object } = await objects.look(remote, objectOf(layout, md5, false).path)
      if (object === undefined) throw new KaosError('CONFLICT', `${md5} went while it was used`)
      yield itemOf(reader, path, object)
    }
  }

  /** Each file of the folder, and the list itself. */
  async function* claimsOf(
    remote: Remote,
    list: string,
    { tree, entity }: Made,
  ): AsyncGenerator<Claim> {
    const { layout } = objectAt(list)
    const listing = await listingOf(remote, list)
    if (listing === undefined) return
    const names = new Map(listing.files.map(({ path, md5 }) => [path, md5]))
    for await (const { path, entry } of walkTree(store, tree)) {
      const { path: name } = objectOf(layout, names.get(path) ?? '', false)
      yield { name, file: entry.digest, within: entry.within, holder: FOLDERS }
    }
    yield { name: list, file: listing.object.file, within: undefined, holder: entity }
  }

  async function write(
    remote: Remote,
    held: Held<State>,
    state: State | null,
    expect: { record: string; version: number }[] = [],
  ): Promise<void> {
    await ledger.commit({
      actor: parts.people.system.id,
      organisation: remote.organisation,
      expect: [{ record: held.key, version: held.version }, ...expect],
      records: [{ key: held.key, value: state as Json }],
    })
  }

  const inTurn = (remote: Remote, list: string, by?: string) =>
    turns.take(keyOf.folder(remote, list), () => tryOne(remote, list, by))

  async function* waitingOf(remote: Remote): AsyncGenerator<{ list: string; state: State }> {
    for await (const { key, value } of recordsOf<State>(ledger, keyOf.folder(remote, ''))) {
      yield { list: nameIn(key), state: value }
    }
  }

  return {
    async arrived(remote, name, by) {
      for await (const { list, state } of waitingOf(remote)) {
        const waits = 'missing' in state && state.missing === name
        if (waits || list === name) await inTurn(remote, list, by)
      }
    },
    async all(remote) {
      for await (const { list } of waitingOf(remote)) await inTurn(remote, list)
    },
  }
}
