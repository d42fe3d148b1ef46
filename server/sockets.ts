/* The server below Fastify: plain or with TLS, the gateway in front, and bounds on what a connection may
 * take: headers that drip, hands that are never shaken, answers that nobody takes. */
import { readFileSync } from 'node:fs'
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Gateway } from './gateway/gateway.ts'
import type { Settings } from './parts.ts'

export interface Timing {
  /** In which the headers arrive, else 408. */
  readonly headersMs: number
  /** In which a body of JSON arrives, else 408. */
  readonly jsonMs: number
  /** How often it is looked whether they did. */
  readonly lookMs: number
  /** An answer of which nothing is taken for so long is cut. */
  readonly stalledMs: number
  /** Whoever was answered before all of the body came may go on sending for so long. */
  readonly lingerMs: number
}

export const TIMING: Timing = {
  headersMs: 20_000,
  jsonMs: 30_000,
  lookMs: 5000,
  stalledMs: 60_000,
  lingerMs: 10_000,
}
/** Even the largest body, on a slow line. Each kind of body has bounds of its own. */
const REQUEST_ARRIVES_MS = 24 * 3600_000
const IDLE_CONNECTION_MS = 75_000
const HANDSHAKE_MS = 30_000
const CONNECTIONS_MAX = 8192

type Handler = (request: IncomingMessage, response: ServerResponse) => void

interface Options {
  readonly tls: Settings['tls']
  readonly gateway: Gateway
  readonly timing?: Partial<Timing> | undefined
  /** Told of each answer that is cut. */
  readonly stalled: () => void
}

export function serverOver(handler: Handler, { tls, gateway, timing, stalled }: Options): Server {
  const { headersMs, lookMs, stalledMs, lingerMs } = { ...TIMING, ...timing }
  const either: Handler = (request, response) => {
    cutWhenStalled(response, stalledMs, stalled)
    cutWhenAnswered(request, response, lingerMs)
    if (!gateway.handle(request, response)) handler(request, response)
  }
  const options = {
    headersTimeout: headersMs,
    requestTimeout: REQUEST_ARRIVES_MS,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    connectionsCheckingInterval: lookMs,
  }
  const server = tls ? secure(tls, options, either) : createPlainServer(options, either)
  server.maxConnections = CONNECTIONS_MAX
  server.on('upgrade', (request, socket, head) => gateway.upgrade(request, socket, head))
  return server as Server
}

function secure({ cert, key }: NonNullable<Settings['tls']>, options: object, handler: Handler) {
  const files = { cert: readFileSync(cert), key: readFileSync(key) }
  return createTlsServer({ ...options, ...files, handshakeTimeout: HANDSHAKE_MS }, handler)
}

/** Silence alone is no reason: who follows a log may wait for long. A reader who does not take what is
 * there for him holds memory. */
function cutWhenStalled(response: ServerResponse, ms: number, told: () => void): void {
  response.setTimeout(ms, () => {
    const { socket } = response
    if (!socket || socket.writableLength === 0) return
    told()
    socket.destroy()
  })
}

/** A body that was refused is not waited for. It is not cut at once: many clients look for the answer
 * when they have sent what they had. */
function cutWhenAnswered(request: IncomingMessage, response: ServerResponse, ms: number): void {
  response.once('finish', () => {
    if (request.complete) return
    const { socket } = request
    const timer = setTimeout(() => {
      if (!request.complete) socket.destroy()
    }, ms)
    timer.unref()
    // Once all of it came, or the connection is gone. The connection may see many such requests.
    request.once('close', () => clearTimeout(timer))
  })
}
