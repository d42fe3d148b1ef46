/* What holds for every answer: a request id, the API's version, no work for a server that is
 * stopping, and one line in the log. */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { API_VERSION } from '../../api/wire.ts'

/** Somebody may put one into an address by mistake. */
const TOKEN = /kaos_[\w-]{43}/g
const FOREIGN_ID = /^[A-Za-z0-9_-]{1,64}$/

/** The client's own id, if it has one that can stand in a log line. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && FOREIGN_ID.test(given) ? given : newId()
}

/** On every answer of our own. */
export function frontHeaders(requestId: string): Record<string, string> {
  return {
    'x-request-id': requestId,
    'kaos-api': String(API_VERSION),
    'x-content-type-options': 'nosniff',
  }
}

interface Options {
  /** Whether the server is stopping. */
  readonly draining: () => boolean
}

const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

export function addFront(app: FastifyInstance, { draining }: Options): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(frontHeaders(request.id))
    requireVersion(request.headers['kaos-api-client'])
    const { scope } = request.routeOptions.config
    // Attempts go on reporting: what was accepted is finished.
    if (draining() && CHANGING.has(request.method) && scope !== 'attempt') {
      throw new KaosError('UNAVAILABLE', 'the server is stopping; try again in a few seconds')
    }
  })

  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request
    const call = { method, url: url.replaceAll(TOKEN, 'kaos_…') }
    const answer = { status: reply.statusCode, ms: Math.round(reply.elapsedTime) }
    const trace = request.span ? { traceId: request.span.traceId } : {}
    const line = { ...call, ...answer, ...aboutOf(request), ...trace }
    // Probes come all the time and tell nothing.
    const level = QUIET.has(request.routeOptions.url ?? '') ? 'debug' : 'info'
    request.log[level](line, 'answered')
  })
}

const QUIET = new Set(['/healthz', '/readyz', '/metrics'])

/** Who asked, and about what; as far as the address says it. */
export function aboutOf({ actor, params }: FastifyRequest): Record<string, string> {
  const named = (params ?? {}) as Record<string, string | undefined>
  // The other tools' addresses begin with it.
  const { '*': rest, ws = rest?.split('/')[0], workspace = ws, job, attempt } = named
  const about = { actor: actor?.id, workspace, job, attempt }
  return Object.fromEntries(
    Object.entries(about).filter(
      (one): one is [string, string] => one[1] !== undefined && one[1] !== '',
    ),
  )
}

function requireVersion(client: string | string[] | undefined): void {
  if (client === undefined || client === String(API_VERSION)) return
  const spoken = Number(client)
  const next =
    spoken > API_VERSION
      ? 'update the server, or use an older kaos'
      : 'update kaos: npm i -g kaos-ml'
  const message = `the client speaks version ${client} of the API, the server ${API_VERSION}; ${next}`
  throw new KaosError('VERSION_MISMATCH', message, { detail: { server: API_VERSION } })
}
