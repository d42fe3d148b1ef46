import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Problem } from '../../api/wire.ts'
import type { Metrics } from './metrics.ts'
import { formatFor, OPEN, PLAIN, textOf } from './text.ts'

interface Options {
  readonly metrics: Metrics
}

export const metricsRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { metrics }) => {
  app.get(
    '/metrics',
    {
      config: { scope: 'metrics' },
      schema: {
        tags: ['system'],
        summary: 'Figures for Prometheus: text format 0.0.4, or OpenMetrics if asked for',
        produces: [PLAIN.contentType, OPEN.contentType],
        response: { 200: Type.String(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      const format = formatFor(request.headers.accept)
      const families = await metrics.collect()
      reply.type(format.contentType).header('cache-control', 'no-store').header('vary', 'accept')
      return reply.serializer(String).send(textOf(families, format))
    },
  )
}
