import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { versionOf } from '../../api/version.ts'
import { API_VERSION, Problem, ServerView } from '../../api/wire.ts'
import { bounded, type Check } from './checks.ts'

interface Options {
  readonly installation: string
  readonly runner: string
  readonly local: boolean
  /** What each part runs on, for those who may know. */
  readonly parts: Readonly<Record<string, string>>
  readonly notes: () => Promise<readonly string[]>
  /** By public name: storage, ledger, queue, runner. */
  readonly checks: Readonly<Record<string, Check>>
}

const config = { scope: 'public' } as const
const tags = ['system']

export const systemRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const named = Object.entries(options.checks).map(
    ([name, check]) => [name, bounded(check)] as const,
  )

  app.get(
    '/api/v1/server',
    {
      config,
      exposeHeadRoute: true,
      schema: {
        tags,
        summary: 'What this server is; with a token also who asks and what it runs on',
        response: { 200: ServerView, '4xx': Problem },
      },
    },
    async ({ actor }) => {
      const { installation, runner, local, parts, notes } = options
      const version = versionOf()
      const open = { name: 'kaos', version, api: API_VERSION, installation, runner, local } as const
      if (actor.kind === 'anonymous') return open
      const { id, name, scopes } = actor
      return {
        ...open,
        actor: { id, name, scopes: [...scopes] },
        parts,
        notes: [...(await notes())],
      }
    },
  )

  app.get(
    '/healthz',
    { config, exposeHeadRoute: true, schema: { tags, summary: '200 while the process answers' } },
    async () => ({ status: 'ok' }),
  )

  app.get(
    '/readyz',
    {
      config,
      exposeHeadRoute: true,
      schema: {
        tags,
        summary: '200 while every part answers and writes are accepted',
        response: {
          '2xx': Type.Object({ status: Type.String() }),
          503: Type.Object({
            status: Type.String(),
            checks: Type.Record(Type.String(), Type.String()),
          }),
        },
      },
    },
    async (_request, reply) => {
      const checks = await failing(named)
      if (Object.keys(checks).length === 0) return { status: 'ready' }
      return reply.code(503).header('retry-after', '5').send({ status: 'not ready', checks })
    },
  )
}

async function failing(
  named: readonly (readonly [string, Check])[],
): Promise<Record<string, string>> {
  const entries = named.map(async ([name, check]) => {
    const wrong = await check()
    return wrong === undefined ? [] : [[name, wrong] as const]
  })
  return Object.fromEntries((await Promise.all(entries)).flat())
}
