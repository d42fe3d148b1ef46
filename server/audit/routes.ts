import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AuditQuery, AuditView, Problem } from '../../api/wire.ts'
import type { Parts } from '../parts.ts'
import type { Denials } from './denials.ts'
import { auditOf } from './reading.ts'

interface Options {
  readonly parts: Parts
  readonly denials: Denials
}

export const auditRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { parts, denials }) => {
  app.addHook('onClose', () => denials.close())

  app.get(
    '/admin/audit',
    {
      config: { scope: 'audit' },
      schema: {
        tags: ['admin'],
        summary:
          'Who changed what and who was denied what, newest first; asking is recorded as well',
        querystring: AuditQuery,
        response: { 200: AuditView, '4xx': Problem },
      },
    },
    async ({ actor: { id: actor, organisation }, query }) => {
      const detail = { since: query.since ?? null, actor: query.actor ?? null }
      const statements = [{ type: 'audit.read', detail }]
      await parts.ledger.commit({ actor, organisation, statements })
      return auditOf(parts, denials, query)
    },
  )
}
