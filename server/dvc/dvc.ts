/* The DVC room: objects under their MD5, checked as they come; what they are becomes versions of the
 * remote's repository. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { TakenBlob } from '../blobs/blobs.ts'
import { requireSameKind } from '../catalogue/room.ts'
import { retrying } from '../jobs/reading.ts'
import { type Body, openArrivals } from '../remotes/arrivals.ts'
import { openClaims } from '../remotes/claims.ts'
import { keyOf, type Objects, openObjects, type Remote } from '../remotes/objects.ts'
import { openSettling, type Settling } from '../remotes/settling.ts'
import type { Rooms } from '../rooms.ts'
import { openFolders, waitingRecord } from './folders.ts'
import { LISTING_MAX, parseListing } from './listing.ts'
import type { DvcObject } from './paths.ts'
import { TextHash } from './text-hash.ts'

export interface Dvc extends Settling {
  readonly objects: Objects
  /** Durable when it resolves: true if it was not there before. DIGEST_MISMATCH when the bytes are
   * not those of the name; BAD_REQUEST for a list of files that cannot be a folder. */
  take(actor: Actor, remote: Remote, object: DvcObject, body: Body): Promise<boolean>
  /** Whether it was there. What versions hold stays in them. */
  remove(actor: Actor, remote: Remote, object: DvcObject): Promise<boolean>
}

/** DVC waits a minute for an answer; a folder of very many files is finished behind it. */
const FOLDER_WAIT_MS = 20_000

export function openDvc(parts: Rooms): Dvc {
  const { ledger, store, log } = parts
  const objects = openObjects(ledger, store)
  const arrivals = openArrivals(parts, objects)
  const claims = openClaims(parts, objects)
  const folders = openFolders(parts, objects, claims)
  const settling = openSettling({
    parts,
    kind: 'dvc',
    objects,
    arrivals,
    claims,
    before: remote => folders.all(remote),
    message: 'dvc push: files that no folder names',
    fileName: path => path.replace(/^files\/md5\//, '').replace('/', ''),
  })
  const making = new Set<Promise<void>>()

  /** The object is kept; what does not work now is done when the remote is settled. */
  async function makeFolders(remote: Remote, name: string, by: string): Promise<void> {
    const made = folders.arrived(remote, name, by).catch(error => {
      log('error', 'a folder of DVC could not be made', { name, stack: String(error) })
    })
    making.add(made)
    const finished = made.finally(() => making.delete(made))
    let timer: NodeJS.Timeout | undefined
    const waited = new Promise<void>(resolve => {
      timer = setTimeout(resolve, FOLDER_WAIT_MS)
    })
    await Promise.race([finished, waited])
    clearTimeout(timer)
  }

  return {
    ...settling,
    objects,
    async take(actor, remote, object, body) {
      await requireSameKind(ledger, remote.workspace, remote.repository, 'data')
      const reading = new Reading(object)
      const isNew = await arrivals.take(actor, {
        remote,
        name: object.path,
        body: { ...body, source: reading.over(body.source) },
        hashes: ['md5'],
        accept: blob => (reading.isListing(blob) ? [waitingRecord(remote, object.path)] : []),
      })
      await makeFolders(remote, object.path, actor.id)
      return isNew
    },
    remove: (actor, remote, object) =>
      retrying(async () => {
        const { path } = object
        const { version } = await objects.look(remote, path)
        if (version === 0) return false
        const { workspace, repository, organisation } = remote
        const key = keyOf.object(remote, path)
        const gone = [key, keyOf.loose(remote, path), keyOf.folder(remote, path)]
        await ledger.commit({
          actor: actor.id,
          organisation,
          expect: [{ record: key, version }],
          statements: [{ type: 'dvc.removed', workspace, detail: { repository, object: path } }],
          records: gone.map(one => ({ key: one, value: null })),
        })
        return true
      }),
    async close() {
      await settling.close()
      await Promise.all(making)
    },
  }
}

/** What is looked at while an object comes. */
class Reading {
  readonly #object: DvcObject
  readonly #text: TextHash | undefined
  /** Of a list; undefined once it is too long to be looked into. */
  #list: Uint8Array[] | undefined
  #listBytes = 0

  constructor(object: DvcObject) {
    this.#object = object
    this.#text = object.layout === 'dvc2' ? new TextHash() : undefined
    this.#list = object.isFolder ? [] : undefined
  }

  async *over(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of body) {
      this.#text?.update(bytes)
      this.#collect(bytes)
      yield bytes
    }
  }

  /** Whether it is a list that can become a folder. Refuses bytes of another name. */
  isListing({ hashes }: TakenBlob): boolean {
    const { md5, path } = this.#object
    if (hashes.md5 !== md5 && this.#text?.hex() !== md5) {
      const message = `the bytes for ${path} have the MD5 ${hashes.md5}; run: dvc add, dvc push`
      throw new KaosError('DIGEST_MISMATCH', message, { detail: { expected: md5, ...hashes } })
    }
    if (this.#list === undefined) return false
    parseListing(Buffer.concat(this.#list))
    return true
  }

  #collect(bytes: Uint8Array): void {
    this.#listBytes += bytes.length
    if (this.#listBytes > LISTING_MAX) this.#list = undefined
    this.#list?.push(bytes)
  }
}
