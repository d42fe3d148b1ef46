/* The gateway: in front of the API on the same port. The first segment of a path that is an
 * endpoint's name leads to the service behind it; everything else goes on to the API.
 *
 * Both directions stream. A caller who goes away ends the call to the service, and a service that
 * breaks off in the middle cuts the answer: it never ends as if it were whole. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { NoteDenial } from '../audit/noting.ts'
import { authorize } from '../authorize.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Endpoints, Parts } from '../parts.ts'
import { type Door, watchOver } from '../people/door.ts'
import { kaosErrorFrom, nothingAt, problemHeaders, problemOf } from '../plugins/errors.ts'
import { frontHeaders, requestIdOf } from '../plugins/front.ts'
import { type Call, namesOf, upstreamOf } from './call.ts'
import { outwardHeaders } from './headers.ts'
import { splice } from './upgrade.ts'

interface Options {
  readonly endpoints: Endpoints
  readonly door: Door
  /** Whether callers need a token. */
  readonly local: boolean
  readonly log: Parts['log']
  readonly metrics: Pick<Metrics, 'endpointAnswered'>
  readonly noteDenial: NoteDenial
}

const SOCKET_LISTENERS = 32

export interface Gateway {
  /** Whether the call is for an endpoint, and then takes it. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  /** Takes a call that wants another protocol on its connection; refuses it if it is for no endpoint. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Cuts what goes on without an end. */
  close(): void
}

export function openGateway({
  endpoints,
  door,
  local,
  log,
  metrics,
  noteDenial,
}: Options): Gateway {
  const spliced = new Set<Duplex>()

  /** `method`: as which the door is to take the call. */
  async function letIn(
    { id, request, route }: Call,
    method: string,
    answer: Parameters<typeof watchOver>[0],
  ): Promise<void> {
    const { headers } = request
    const caller = { method, headers, remoteAddress: request.socket.remoteAddress }
    const enter = async () => {
      const actor = await door.enter(caller)
      if (local) return
      try {
        authorize(actor, 'invoke', { organisation: route.organisation })
      } catch (error) {
        await noteDenial(kaosErrorFrom(error), {
          actor: actor.id,
          method,
          route: `/${route.endpoint}`,
          workspace: null,
          requestId: id,
          address: request.socket.remoteAddress ?? '',
        })
        throw error
      }
    }
    await enter()
    if (headers.authorization !== undefined) watchOver(answer, enter)
    if (route.address === undefined) {
      const message = `the endpoint ${route.endpoint} is not ready: ${route.state}`
      throw new KaosError('UNAVAILABLE', message, { detail: { state: route.state } })
    }
  }

  function measure({ id, request, route: { endpoint } }: Call, response: ServerResponse): void {
    const began = performance.now()
    response.once('close', () => {
      const ms = performance.now() - began
      const status = response.writableFinished ? response.statusCode : 499
      metrics.endpointAnswered(endpoint, status, ms / 1000)
      const call = { requestId: id, method: request.method, endpoint, status, ms: Math.round(ms) }
      log('debug', 'an endpoint was called', call)
    })
  }

  return {
    handle(request, response) {
      const call = callOf(endpoints, request)
      if (!call) return false
      measure(call, response)
      letIn(call, request.method ?? 'GET', response)
        .then(() => forward(call, response))
        .catch(error => {
          if (!isKaosError(error))
            log('error', 'the gateway failed', { requestId: call.id, stack: String(error?.stack) })
          refuse(call, response, kaosErrorFrom(error))
        })
      return true
    },
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy())
      // Both directions and their ends are listened for, which is more than usual.
      socket.setMaxListeners(SOCKET_LISTENERS)
      const call = callOf(endpoints, request)
      if (!call) return socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
      spliced.add(socket)
      socket.once('close', () => spliced.delete(socket))
      // Any page can open a WebSocket and use it both ways: that is more than reading.
      letIn(call, 'UPGRADE', socket)
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
  const failed = (cause: unknown) => {
    const message = `the service of ${call.route.endpoint} did not answer; see: kaos serve logs`
    refuse(call, response, new KaosError('ENDPOINT_FAILED', message, { cause }))
  }
  const upstream = httpRequest(upstreamOf(call), answer => {
    const { statusCode = 0, headers } = answer
    try {
      if (statusCode < 200) throw new Error(`the service answered with the status ${statusCode}`)
      response.writeHead(statusCode, outwardHeaders(headers, namesOf(call)))
    } catch (error) {
      // No answer that could be passed on.
      upstream.destroy()
      return failed(error)
    }
    // A slow first line of a stream must not wait for the second.
    response.flushHeaders()
    pipeline(answer, response, () => {})
  })
  upstream.on('error', failed)
  response.once('close', () => upstream.destroy())
  pipeline(request, upstream, () => {})
}

function refuse(call: Call, response: ServerResponse, error: KaosError): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  // What an endpoint serves is told to those alone who may call it.
  const names = error.status >= 500 ? namesOf(call) : {}
  const told =
    error.code === 'NOT_FOUND'
      ? nothingAt(call.request.method ?? 'GET', call.request.url ?? '')
      : error
  const body = JSON.stringify(problemOf(told, call.id))
  response.writeHead(error.status, {
    ...frontHeaders(call.id),
    ...problemHeaders(error),
    ...names,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
