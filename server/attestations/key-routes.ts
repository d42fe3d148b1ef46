import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { EndKey, Problem, WorkerKeyView } from '../../api/wire.ts'
import { type WorkerKey, WorkerKeySet } from '../../api/worker-keys.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { People } from '../parts.ts'
import { endKey, workerKeys } from './worker-keys.ts'

interface Options {
  readonly ledger: Ledger
  readonly people: People
}

const tags = ['ledger']

/** Below /api/v1. */
export const workerKeyRoutes: FastifyPluginAsyncTypebox<Options> = async (
  app,
  { ledger, people },
) => {
  const viewOf = async (key: WorkerKey): Promise<WorkerKeyView> => ({
    kid: key.kid,
    worker: key.kaos_worker,
    name: await people.nameOf(key.kaos_worker),
    enrolledAt: key.kaos_enrolled,
    retiredAt: key.kaos_retired ?? null,
    revokedAt: key.kaos_revoked ?? null,
  })

  app.get(
    '/admin/worker-keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Keys that workers sign with, the newest first',
        response: { 200: Type.Object({ keys: Type.Array(WorkerKeyView) }), '4xx': Problem },
      },
    },
    async () => ({ keys: await Promise.all((await workerKeys(ledger)).map(viewOf)) }),
  )

  for (const [verb, how, summary] of [
    ['retire', 'retired', "End a worker's key; the worker makes a new one"],
    ['revoke', 'revoked', "Believe a worker's key no longer; what was recorded before stays"],
  ] as const) {
    app.post(
      `/admin/worker-keys/:kid/${verb}`,
      {
        config: { scope: 'admin' },
        schema: {
          tags,
          summary,
          params: Type.Object({ kid: Type.String() }),
          body: EndKey,
          response: { 200: WorkerKeyView, '4xx': Problem },
        },
      },
      async ({ actor, body, params }) =>
        viewOf(await endKey(ledger, actor, params.kid, how, body.reason ?? null)),
    )
  }
}

/** At the top of the address, for anybody; never among the keys that sign the log. */
export const workerKeySetRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { ledger }) => {
  for (const url of ['/.well-known/workers.jwks.json', '/api/v1/ledger/worker-keys']) {
    app.get(
      url,
      {
        config: { scope: 'public' },
        schema: {
          tags,
          summary: 'The public keys of workers, which sign what jobs made, with their times',
          response: { 200: WorkerKeySet },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', 'public, max-age=300')
        return { keys: await workerKeys(ledger) }
      },
    )
  }
}
