/* A connection to a service on another host: its worker's forwarder is asked for it as a proxy is
 * (CONNECT), and what comes back is the service's own connection. */
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { KaosError } from '../../api/errors.ts'
import type { Tunnel } from '../parts.ts'

const ANSWER_MS = 15_000

type Done = (error: Error | null, socket?: Duplex) => void

/** As `createConnection` of an HTTP request. */
export function tunnelThrough({ attempt, certificate, secret, to, url }: Tunnel) {
  return (_options: unknown, done: Done): undefined => {
    const { hostname, port, protocol } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const isSecure = protocol === 'https:'
    const asking = (isSecure ? secureRequest : request)({
      method: 'CONNECT',
      host: to ?? host,
      port: port || (isSecure ? 443 : 80),
      path: `${attempt}:80`,
      headers: { host: `${attempt}:80`, 'proxy-authorization': `Bearer ${secret}` },
      agent: false,
      timeout: ANSWER_MS,
      ...(isSecure ? trustOnly(certificate, host) : {}),
    })
    asking.once('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy()
        return done(refused(url, `answered ${answer.statusCode}`))
      }
      if (head.length > 0) socket.unshift(head)
      done(null, socket)
    })
    asking.once('response', answer => {
      answer.destroy()
      done(refused(url, `answered ${answer.statusCode}`))
    })
    asking.once('timeout', () => asking.destroy(refused(url, 'does not answer')))
    asking.once('error', error => done(error))
    asking.end()
    return undefined
  }
}

/** The certificate that the worker said it would show, and no other; without one, as anywhere. */
function trustOnly(certificate: string | undefined, host: string) {
  if (certificate === undefined) return isIP(host) ? {} : { servername: host }
  const known = { ca: certificate, allowPartialTrustChain: true }
  return { ...known, checkServerIdentity: () => undefined }
}

function refused(url: string, what: string): KaosError {
  return new KaosError('ENDPOINT_FAILED', `the worker's forwarder at ${url} ${what}`)
}
