/* Errors as git-lfs reads them, and an end to its asking. With a credential helper that always has the
 * same answer it repeats a refused call without end; a 403 is what it stops at. */
import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import { tellRemoteErrors } from '../remotes/plugin.ts'

export const LFS_TYPE = 'application/vnd.git-lfs+json'
const REALM = 'Basic realm="kaos", charset="UTF-8"'

/** The same refused credentials, so often within this time, are told to stop. */
const REFUSED_MAX = 5
const WINDOW_MS = 60_000
const REMEMBERED = 1000

export function addLfsErrors(app: FastifyInstance, now: () => number): void {
  const refusals = new Refusals(now)
  const challenge = { 'www-authenticate': REALM, 'lfs-authenticate': REALM }
  tellRemoteErrors(app, challenge, (error, request) => {
    const { authorization } = request.headers
    const known = authorization !== undefined && error.status === 401
    const told = known && refusals.tooMany(authorization) ? stop(error) : error
    return {
      status: told.status,
      headers: { 'content-type': LFS_TYPE, 'cache-control': 'no-store' },
      body: { message: told.message, request_id: request.id },
    }
  })
}

function stop(cause: KaosError): KaosError {
  const next = 'forget it with: git credential reject; then give a valid one as the password'
  const message = `the server has refused this token again and again; ${next}`
  return new KaosError('NOT_PERMITTED', message, { cause })
}

class Refusals {
  readonly #now: () => number
  /** Times, by a hash of the credentials; the latest used last. */
  readonly #times = new Map<string, number[]>()

  constructor(now: () => number) {
    this.#now = now
  }

  tooMany(credentials: string): boolean {
    const key = createHash('sha256').update(credentials).digest('base64')
    const since = this.#now() - WINDOW_MS
    const times = (this.#times.get(key) ?? []).filter(at => at > since).slice(-REFUSED_MAX)
    times.push(this.#now())
    this.#times.delete(key)
    this.#times.set(key, times)
    const oldest = this.#times.keys().next().value
    if (this.#times.size > REMEMBERED && oldest !== undefined) this.#times.delete(oldest)
    return times.length > REFUSED_MAX
  }
}
