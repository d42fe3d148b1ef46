/* The gateway: in front of the API on the same port. The first segment of a path that is an
 * endpoint's name leads to the service behind it; everything else goes on to the API.
 *
 * Both directions stream. A caller who goes away ends the call to the service, and a service that
 * breaks off in the middle cuts the answer: it never ends as if it were whole. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { authorize } from '../authorize.ts'
import type { Endpoints, Parts } from '../parts.ts'
import type { Door } from '../people/door.ts'
import { kaosErrorFrom, problemHeaders, problemOf } from '../plugins/errors.ts'
import { requestIdOf } from '../plugins/front.ts'
import { type Call, namesOf, upstreamOf } from './call.ts'
import { outwardHeaders } from './headers.ts'
import { splice } from './upgrade.ts'

interface Options {
  readonly endpoints: Endpoints
  readonly door: Door
  /** Whether callers need a token. */
  readonly local: boolean
  readonly log: Parts['log']
}

export interface Gateway {
  /** Whether the call is for an endpoint, and then takes it. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  /** Takes a call that wants another protocol on its connection; refuses it if it is for no endpoint. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Cuts what goes on without an end. */
  close(): void
}

export function openGateway({ endpoints, door, local, log }: Options): Gateway {
  const spliced = new Set<Duplex>()

  async function letIn({ request, route }: Call): Promise<void> {
    const { method = 'GET', headers } = request
    const caller = { method, headers, remoteAddress: request.socket.remoteAddress }
    const actor = await door.enter(caller)
    if (!local) authorize(actor, 'invoke', { organisation: route.organisation })
    if (route.address === undefined) {
      const message = `the endpoint ${route.endpoint} is not ready: ${route.state}`
      throw new KaosError('UNAVAILABLE', message, { detail: { state: route.state } })
    }
  }

  return {
    handle(request, response) {
      const call = callOf(endpoints, request)
      if (!call) return false
      letIn(call)
        .then(() => forward(call, response))
        .catch(error => {
          if (!isKaosError(error))
            log('error', 'the gateway failed', { stack: String(error?.stack) })
          refuse(call, response, kaosErrorFrom(error))
        })
      return true
    },
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy())
      const call = callOf(endpoints, request)
      if (!call) return socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
      spliced.add(socket)
      socket.once('close', () => spliced.delete(socket))
      letIn(call)
        .then(() => splice(call, socket, head))
        .catch(error => {
          const { status } = kaosErrorFrom(error)
          socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`)
        })
    },
    close() {
      for (const socket of spliced) socket.destroy()
    },
  }
}

/** The call, if its path begins with the name of an endpoint. */
function callOf(endpoints: Endpoints, request: IncomingMessage): Call | undefined {
  const [, name, path] = /^\/([^/?#]+)([^#]*)/.exec(request.url ?? '') ?? []
  const route = name === undefined ? undefined : endpoints.route(name)
  if (!route) return undefined
  const rest = path?.startsWith('/') ? path : `/${path ?? ''}`
  return { request, id: requestIdOf(request), route, path: rest }
}

function forward(call: Call, response: ServerResponse): void {
  const { request } = call
  const upstream = httpRequest(upstreamOf(call), answer => {
    const headers = outwardHeaders(answer.headers, namesOf(call))
    response.writeHead(answer.statusCode ?? 502, headers)
    // A slow first line of a stream must not wait for the second.
    response.flushHeaders()
    pipeline(answer, response, () => {})
  })
  upstream.on('error', error => {
    const message = `the service of ${call.route.endpoint} did not answer; see: kaos serve logs`
    refuse(call, response, new KaosError('ENDPOINT_FAILED', message, { cause: error }))
  })
  response.once('close', () => upstream.destroy())
  pipeline(request, upstream, () => {})
}

function refuse(call: Call, response: ServerResponse, error: KaosError): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  response.writeHead(error.status, { ...problemHeaders(error), ...namesOf(call) })
  response.end(JSON.stringify(problemOf(error, call.id)))
}
