/* Counts each call of the API, by the route as it is declared: what callers can choose is no label. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Metrics } from '../metrics/metrics.ts'

/** What proxies write for a caller who went away before the answer. */
const GONE = 499

export function addMeasuring(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onRequest', async (request, reply) => {
    const began = performance.now()
    const upload = request.routeOptions.config.stream === true
    const { raw } = reply
    metrics.httpBegan(upload)
    raw.once('close', () => {
      const status = raw.writableFinished ? raw.statusCode : GONE
      const seconds = (performance.now() - began) / 1000
      metrics.httpEnded(
        { method: methodOf(request), route: routeOf(request), status, seconds },
        upload,
      )
    })
  })
  app.addHook('onClose', async () => metrics.close())
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function methodOf({ method }: FastifyRequest): string {
  return METHODS.has(method) ? method : 'other'
}

function routeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.url ?? 'none'
}
