/* A span for each call of the API, named by its route. What the caller's `traceparent` names is above it. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Span, tracing } from '../../api/tracing/tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where no traces are gathered. */
    span: Span | null
  }
}

/** Asked all the time, or left open until there is work: they tell nothing. */
const UNTOLD = new Set(['/healthz', '/readyz', '/metrics', '/api/v1/attempts/claim'])

export function addTracing(app: FastifyInstance): void {
  app.decorateRequest('span', null)
  const used = tracing()
  if (used === undefined) return
  app.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    if (UNTOLD.has(route)) {
      done()
      return
    }
    const span = used.begin(`${request.method} ${route}`, optionsOf(request, route))
    request.span = span
    reply.raw.once('close', () => {
      const { statusCode: status, writableFinished } = reply.raw
      span.set({ 'http.response.status_code': status })
      const wrong = writableFinished ? status >= 500 && status : 'the caller went away'
      span.end(wrong === false ? undefined : String(wrong))
    })
    used.within(span, done)
  })
  // What a body's bytes wake does not know of whom they are.
  app.addHook('preHandler', ({ span }, _, done) => {
    if (span === null) done()
    else used.within(span, done)
  })
}

function optionsOf({ headers, id, method, url }: FastifyRequest, route: string) {
  const { traceparent } = headers
  return {
    kind: 'server' as const,
    ...(typeof traceparent === 'string' && { parent: traceparent }),
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'url.path': url.split('?', 1)[0]!,
      'kaos.request_id': id,
    },
  }
}
