/* Locks of Git LFS: who works on a file that cannot be merged. A path has one lock, whatever the
 * branch. Records; each lock and unlock is a fact.
 *
 *   lfs-lock/<workspace id>/<repository>:id/<id>     the lock; ids grow with time
 *   lfs-lock/<workspace id>/<repository>:path/<hash> its id: SHA-256 of the path */
import { createHash } from 'node:crypto'
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { Json, LedgerRecord } from '../../graph/ledger.ts'
import { authorize } from '../authorize.ts'
import { retrying } from '../jobs/reading.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'
import type { Remote } from '../remotes/objects.ts'

export interface Lock {
  readonly id: string
  readonly path: string
  readonly at: string
  /** Agent. */
  readonly owner: string
}

export interface Page {
  readonly locks: readonly Lock[]
  /** Where the next page begins. */
  readonly next: string | undefined
}

export interface LockQuery {
  readonly path?: string | undefined
  readonly id?: string | undefined
  readonly cursor?: string | undefined
  readonly limit?: number | undefined
}

export interface Locks {
  /** The lock, and whether it was made just now; else it is the one that stands in the way. */
  lock(actor: Actor, remote: Remote, path: string): Promise<{ lock: Lock; made: boolean }>
  /** Oldest first. */
  list(remote: Remote, query: LockQuery): Promise<Page>
  /** NOT_FOUND; NOT_PERMITTED for somebody else's without `force`, and with it for those who may
   * not maintain. */
  unlock(actor: Actor, remote: Remote, id: string, force: boolean): Promise<Lock>
}

const PAGE = 100
const PAGE_MAX = 1000
const PATH_MAX = 4096

export function openLocks({ ledger, now }: Pick<Parts, 'ledger' | 'now'>): Locks {
  const prefixOf = ({ workspace, repository }: Remote) => `lfs-lock/${workspace}/${repository}:`
  const idKey = (remote: Remote, id: string) => `${prefixOf(remote)}id/${id}`
  const pathKey = (remote: Remote, path: string) => {
    return `${prefixOf(remote)}path/${createHash('sha256').update(path).digest('hex')}`
  }

  async function byId(remote: Remote, id: string): Promise<LedgerRecord | undefined> {
    return recordAt(ledger, idKey(remote, id))
  }

  async function byPath(remote: Remote, path: string): Promise<Lock | undefined> {
    const id = await recordAt(ledger, pathKey(remote, path))
    const record = id && (await byId(remote, String(id.value)))
    return record && lockIn(record)
  }

  async function one(remote: Remote, { path, id }: LockQuery): Promise<Page> {
    const record = id === undefined ? undefined : await byId(remote, id)
    const lock = id === undefined ? await byPath(remote, path ?? '') : record && lockIn(record)
    const fits = lock !== undefined && (path === undefined || lock.path === path)
    return { locks: fits ? [lock] : [], next: undefined }
  }

  return {
    lock: (actor, remote, path) =>
      retrying(async () => {
        requirePath(path)
        const known = await byPath(remote, path)
        if (known) return { lock: known, made: false }
        const id = newId(now())
        const lock = { id, path, at: new Date(now()).toISOString(), owner: actor.id }
        const key = pathKey(remote, path)
        const { workspace, repository, organisation } = remote
        await ledger.commit({
          actor: actor.id,
          organisation,
          expect: [{ record: key, version: 0 }],
          statements: [{ type: 'lfs.locked', workspace, detail: { repository, path, lock: id } }],
          records: [
            { key, value: id },
            { key: idKey(remote, id), value: { ...lock } },
          ],
        })
        return { lock, made: true }
      }),

    async list(remote, query) {
      if (query.path !== undefined || query.id !== undefined) return one(remote, query)
      const limit = Math.min(Math.max(1, query.limit ?? PAGE), PAGE_MAX)
      const after = query.cursor === undefined ? undefined : idKey(remote, query.cursor)
      const options = { limit: limit + 1, ...(after !== undefined && { after }) }
      const found = (await ledger.records(idKey(remote, ''), options)).map(lockIn)
      const locks = found.slice(0, limit)
      return { locks, next: found.length > limit ? locks.at(-1)?.id : undefined }
    },

    unlock: (actor, remote, id, force) =>
      retrying(async () => {
        const record = await byId(remote, id)
        if (record === undefined) throw new KaosError('NOT_FOUND', `there is no lock ${id}`)
        const lock = lockIn(record)
        const isOwn = lock.owner === actor.id
        if (!isOwn) requireForce(actor, lock, force)
        const { workspace, repository, organisation } = remote
        const detail: Json = { repository, path: lock.path, lock: id, owner: lock.owner }
        await ledger.commit({
          actor: actor.id,
          organisation,
          expect: [{ record: record.key, version: record.version }],
          statements: [{ type: 'lfs.unlocked', workspace, detail: { ...detail, force: !isOwn } }],
          records: [
            { key: record.key, value: null },
            { key: pathKey(remote, lock.path), value: null },
          ],
        })
        return lock
      }),
  }
}

function requireForce(actor: Actor, { path }: Lock, force: boolean): void {
  if (force) {
    authorize(actor, 'maintain', {})
    return
  }
  const next = 'ask them, or use: git lfs unlock --force'
  throw new KaosError('NOT_PERMITTED', `${path} is locked by somebody else; ${next}`)
}

function requirePath(path: string): void {
  const isPath = path !== '' && path.length <= PATH_MAX && path.isWellFormed()
  if (isPath && !path.includes('\0')) return
  throw new KaosError(
    'BAD_REQUEST',
    `a lock needs the path of a file, ${PATH_MAX} characters at most`,
  )
}

function lockIn({ value }: LedgerRecord): Lock {
  return value as unknown as Lock
}
