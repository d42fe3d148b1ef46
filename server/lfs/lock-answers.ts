/* What git-lfs asks about locks. */
import type { FastifyRequest } from 'fastify'
import { authorize } from '../authorize.ts'
import type { People } from '../parts.ts'
import { bodyOf } from '../remotes/answers.ts'
import { type Answers, told } from './call.ts'
import type { Lock, LockQuery, Locks, Page } from './locks.ts'
import { LockRequest, reading, UnlockRequest, VerifyLocksRequest } from './wire.ts'

const readLock = reading(LockRequest)
const readVerify = reading(VerifyLocksRequest)
const readUnlock = reading(UnlockRequest)

export function lockAnswers(locks: Locks, people: People) {
  const viewsOf = (all: readonly Lock[]) => Promise.all(all.map(one => viewOf(people, one)))

  const get: Answers = {
    async locks({ remote, request, reply }) {
      const page = await locks.list(remote, queryOf(request))
      return told(reply, 200, { locks: await viewsOf(page.locks), ...cursorOf(page) })
    },
  }
  const post: Answers = {
    async locks({ remote, request, reply }) {
      authorize(request.actor, 'write', {})
      const { path } = await readLock(bodyOf(request))
      const { lock, made } = await locks.lock(request.actor, remote, path)
      const view = { lock: await viewOf(people, lock) }
      if (made) return told(reply, 201, view)
      return told(reply, 409, { ...view, message: `${path} is locked already` })
    },
    async 'verify-locks'({ remote, request, reply }) {
      const page = await locks.list(remote, await readVerify(bodyOf(request)))
      const isOwn = ({ owner }: Lock) => owner === request.actor.id
      const ours = await viewsOf(page.locks.filter(isOwn))
      const theirs = await viewsOf(page.locks.filter(lock => !isOwn(lock)))
      return told(reply, 200, { ours, theirs, ...cursorOf(page) })
    },
    async unlock({ remote, request, reply }, id) {
      authorize(request.actor, 'write', {})
      const { force = false } = await readUnlock(bodyOf(request))
      const lock = await locks.unlock(request.actor, remote, id, force)
      return told(reply, 200, { lock: await viewOf(people, lock) })
    },
  }
  return { get, post }
}

async function viewOf(people: People, { id, path, at, owner }: Lock) {
  return { id, path, locked_at: at, owner: { name: await people.nameOf(owner) } }
}

function cursorOf({ next }: Page) {
  return next === undefined ? {} : { next_cursor: next }
}

function queryOf({ query }: FastifyRequest): LockQuery {
  const { path, id, cursor, limit } = query as Record<string, string | undefined>
  return { path, id, cursor, limit: limit === undefined ? undefined : Number(limit) || undefined }
}
