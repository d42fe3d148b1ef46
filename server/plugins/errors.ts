/* Errors as problem+json (RFC 9457). What the client did wrong is 4xx with what to do; everything
 * else is logged whole and told in one sentence that shows nothing of the inside. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CODES, type Code, isKaosError, KaosError } from '../../api/errors.ts'
import type { Problem } from '../../api/wire.ts'
import type { NoteDenial } from '../audit/noting.ts'
import type { Settings } from '../parts.ts'
import { ociBody, ociHeaders } from '../registry/refusals.ts'
import { addressOf } from './address.ts'
import { aboutOf, frontHeaders } from './front.ts'

export const PROBLEM_TYPE = 'application/problem+json'
const RETRY_AFTER_S = 5

interface Options {
  readonly noteDenial: NoteDenial
  readonly settings: Settings
}

export function addErrors(app: FastifyInstance, { noteDenial, settings }: Options): void {
  function denied(error: KaosError, request: FastifyRequest): Promise<void> {
    const { id: requestId, method, actor, routeOptions } = request
    const { workspace = null } = aboutOf(request)
    const address = addressOf(request, settings)
    const what = { requestId, method, route: routeOptions.url ?? 'none', workspace, address }
    return noteDenial(error, { ...what, actor: actor?.id })
  }

  app.decorate('denied', denied)
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const known = kaosErrorFrom(error)
    if (known.status >= 500) request.log.error({ err: error, ...aboutOf(request) }, known.message)
    await denied(known, request)
    return sendProblem(known, request, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    return sendProblem(nothingAt(request.method, request.url), request, reply)
  })
}

/** For what the framework refuses before any hook: an address with broken percent-encoding. */
export function answerBadUrl(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const message = 'the address cannot be read; encode it as UTF-8, then with %'
  const known = new KaosError('BAD_REQUEST', message, { cause: error })
  return sendProblem(known, request, reply.headers(frontHeaders(request.id)))
}

/** What is said of an address that leads nowhere, or nowhere for this caller. */
export function nothingAt(method: string, url: string): KaosError {
  const path = url.split('?')[0]
  return new KaosError('NOT_FOUND', `there is nothing at ${method} ${path}; see /openapi.json`)
}

/** How errors look below a first path segment where another protocol says it. */
interface Surface {
  headers(error: KaosError): Record<string, string>
  body(error: KaosError): unknown
}
const SURFACES: { readonly [segment: string]: Surface } = {
  v2: { headers: ociHeaders, body: ociBody },
}

function sendProblem(error: KaosError, request: FastifyRequest, reply: FastifyReply) {
  const [, segment = ''] = /^\/([^/?]*)/.exec(request.url) ?? []
  const surface = Object.hasOwn(SURFACES, segment) ? SURFACES[segment] : undefined
  const headers = { ...problemHeaders(error), ...surface?.headers(error) }
  for (const [name, value] of Object.entries(headers)) reply.header(name, value)
  reply.code(error.status).serializer(JSON.stringify)
  return reply.send(surface ? surface.body(error) : problemOf(error, request.id))
}

/** The body of an answer that tells this error. */
export function problemOf(error: KaosError, requestId: string): Problem {
  const { code, message, status, detail: data } = error
  return {
    type: 'about:blank',
    title: CODES[code].title,
    status,
    detail: message,
    code,
    message,
    requestId,
    ...(Object.keys(data).length > 0 && { data }),
  }
}

export function problemHeaders({ code, status, detail }: KaosError): Record<string, string> {
  return {
    'content-type': PROBLEM_TYPE,
    'cache-control': 'no-store',
    ...((status === 503 || status === 429) && {
      'retry-after': String(detail.retryAfter ?? RETRY_AFTER_S),
    }),
    // What is still to come of the body is not waited for.
    ...(status === 408 && { connection: 'close' }),
    ...(code === 'AUTHORIZATION_FAILURE' && { 'www-authenticate': 'Bearer realm="kaos"' }),
  }
}

const FRAMEWORK: Record<string, Code> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'TOO_LARGE',
  SQLITE_FULL: 'STORAGE_FULL',
  ENOSPC: 'STORAGE_FULL',
  EDQUOT: 'STORAGE_FULL',
}

/** Any error as one of ours. */
export function kaosErrorFrom(error: unknown): KaosError {
  if (isKaosError(error)) return error
  const {
    code = '',
    statusCode = 500,
    message,
    validation,
    validationContext,
  } = error as FastifyError
  const named = FRAMEWORK[code]
  if (named) return new KaosError(named, messageOf(named), { cause: error })
  if (validation) {
    const [first] = validation
    const where = `${validationContext ?? 'body'}${(first?.instancePath ?? '').replaceAll('/', '.')}`
    const why = first?.message ?? 'is not valid'
    return new KaosError('BAD_REQUEST', `${where} ${why}; see /openapi.json`, { cause: error })
  }
  if (statusCode >= 400 && statusCode < 500) {
    return new KaosError('BAD_REQUEST', message, { cause: error })
  }
  const text = 'an error inside the server; its log has more under this request id'
  return new KaosError('INTERNAL', text, { cause: error })
}

function messageOf(code: Code): string {
  if (code === 'STORAGE_FULL') return 'the disk of the server is full; make room, then try again'
  return 'the body is larger than this call takes'
}
