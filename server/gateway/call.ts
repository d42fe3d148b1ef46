/** A call to an endpoint, and how it reaches the service behind. */
import type { IncomingMessage } from 'node:http'
import type { Route } from '../parts.ts'
import { inwardHeaders } from './headers.ts'
import { tunnelThrough } from './tunnel.ts'

export interface Call {
  readonly request: IncomingMessage
  readonly id: string
  readonly route: Route
  /** What the service sees: without the endpoint's name. */
  readonly path: string
}

/** Options that reach the service of a call. */
export function upstreamOf({ request, id, route, path }: Call) {
  const to = route.address ?? { host: '', port: 0 }
  const place = placeOf(to)
  const from = request.socket.remoteAddress
  const encrypted = 'encrypted' in request.socket
  const headers = inwardHeaders(request.headers, {
    'x-request-id': id,
    'x-forwarded-prefix': `/${route.endpoint}`,
    'x-forwarded-proto': encrypted ? 'https' : 'http',
    ...(from !== undefined && { 'x-forwarded-for': from }),
  })
  return { ...place, method: request.method, path, headers }
}

function placeOf(to: NonNullable<Route['address']>) {
  // No connection is kept: one that the service closes just then would fail a call for nothing.
  if ('socket' in to) return { socketPath: to.socket, agent: false as const }
  // With an agent it would be the agent's to connect.
  if ('url' in to) return { createConnection: tunnelThrough(to) as never }
  return { host: to.host, port: to.port, agent: false as const }
}

/** What says which model answered. */
export function namesOf({ id, route }: Call): Record<string, string> {
  const { revision, model } = route
  return { 'x-request-id': id, 'kaos-revision': revision, ...(model && { 'kaos-model': model }) }
}
