/* The door: who is calling, told from the request alone. API and gateway ask the same door.
 *
 * In local mode a caller from this machine without a token is the local administrator. A web page
 * in a browser on this machine is such a caller as well, so the door also looks at Host (a name
 * that was made to point here) and at Origin (another site's page that sends a change). */
import type { IncomingHttpHeaders } from 'node:http'
import type { Actor } from '../../api/actor.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { UNAUTHORIZED } from '../authorize.ts'
import type { Settings } from '../parts.ts'
import type { PeopleRoom } from './people.ts'

export interface Caller {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly remoteAddress: string | undefined
}

export const ANONYMOUS: Actor = {
  id: '',
  kind: 'anonymous',
  name: 'anonymous',
  organisation: '',
  scopes: ['public'],
}

export interface Door {
  /** AUTHORIZATION_FAILURE for a token that opens nothing, NOT_PERMITTED for a browser that was sent
   * by somebody else; without a token the local administrator or the anonymous actor. */
  enter(caller: Caller): Promise<Actor>
}

export function openDoor(people: PeopleRoom, settings: Settings): Door {
  return {
    async enter(caller) {
      if (settings.local) refuseForeignBrowser(caller, settings)
      const header = caller.headers.authorization
      if (header === undefined) {
        return settings.local && isLoopback(caller.remoteAddress) ? people.local : ANONYMOUS
      }
      const token = tokenFrom(header)
      const actor = token === undefined ? undefined : await people.authenticate(token)
      if (!actor) throw new KaosError('AUTHORIZATION_FAILURE', UNAUTHORIZED)
      return actor
    },
  }
}

/** Bearer, or Basic with the token as password (what docker and git can send). */
function tokenFrom(header: string): string | undefined {
  const [, scheme = '', value = ''] = /^(\S+) +(\S+)$/.exec(header.trim()) ?? []
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : pair.slice(colon + 1)
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

function refuseForeignBrowser({ method, headers }: Caller, settings: Settings): void {
  const host = headers.host ?? ''
  if (!isOwnHost(host, settings)) {
    throw new KaosError(
      'NOT_PERMITTED',
      'this server answers only at localhost, 127.0.0.1 or [::1]',
    )
  }
  const { origin } = headers
  if (READING.has(method) || origin === undefined) return
  if (origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new KaosError('NOT_PERMITTED', 'a page of another site may not change anything here')
  }
}

function isOwnHost(host: string, { publicUrl }: Settings): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  if (name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)) return true
  return publicUrl !== undefined && new URL(publicUrl).hostname === name
}

const LOOK_AGAIN_MS = 2000

/** For an answer that takes long: asks again and again whether the caller may still have it, and cuts
 * `answer` when not, so that a revoked token ends what it opened. */
export function watchOver(
  answer: { destroy(): unknown; once(event: 'close' | 'finish', stop: () => void): unknown },
  mayStay: () => Promise<unknown>,
): void {
  const timer = setInterval(() => {
    mayStay().catch(error => {
      // Any other failure is not the caller's.
      if (isKaosError(error) && error.status < 500) answer.destroy()
    })
  }, LOOK_AGAIN_MS)
  timer.unref()
  const stop = () => clearInterval(timer)
  answer.once('close', stop)
  answer.once('finish', stop)
}

export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
