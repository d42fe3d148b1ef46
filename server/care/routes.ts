import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import {
  FsckRequest,
  FsckRun,
  GcRequest,
  GcRun,
  Problem,
  PurgeRequest,
  PurgeView,
  QuotaRequest,
  QuotaView,
  ScrubView,
  StatsView,
} from '../../api/wire.ts'
import type { Rooms } from '../rooms.ts'
import type { Care } from './care.ts'
import { purge } from './purge.ts'
import { listQuotas, removeQuota, setQuota } from './set-quota.ts'
import { statsOf } from './stats.ts'

interface Options {
  readonly parts: Rooms
  readonly care: Care
}

const tags = ['care']
const config = { scope: 'admin' } as const

export const careRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { parts, care }) => {
  const { collections, fsck } = care
  await care.ready
  app.addHook('onClose', () => care.close())

  app.post(
    '/admin/gc',
    {
      config,
      schema: {
        tags,
        summary: 'Collect what nothing needs any more, or say what would go',
        body: GcRequest,
        response: { 202: GcRun, '4xx': Problem },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await collections.begin(request.actor, request.body)),
  )

  app.get(
    '/admin/gc',
    {
      config,
      schema: {
        tags,
        summary: 'The collection that runs, or the last',
        response: { 200: Type.Object({ run: Type.Union([GcRun, Type.Null()]) }), '4xx': Problem },
      },
    },
    async () => ({ run: (await collections.last()) ?? null }),
  )

  app.post(
    '/admin/fsck',
    {
      config,
      schema: {
        tags,
        summary: 'Read every byte, and look for everything that the ledger speaks of',
        body: FsckRequest,
        response: { 202: FsckRun, '4xx': Problem },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await fsck.begin(request.actor, request.body.resume ?? false)),
  )

  app.get(
    '/admin/fsck',
    {
      config,
      schema: {
        tags,
        summary: 'The check that runs, or the last; and the slow one',
        response: {
          200: Type.Object({ run: Type.Union([FsckRun, Type.Null()]), scrub: ScrubView }),
          '4xx': Problem,
        },
      },
    },
    async () => ({ run: (await fsck.last()) ?? null, scrub: await care.scrub() }),
  )

  app.post(
    '/admin/purge',
    {
      config,
      schema: {
        tags,
        summary: 'Drop the content of an entity although something may need it; the facts stay',
        body: PurgeRequest,
        response: { 201: PurgeView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { actor, body } = request
      const workspace = await parts.workspaces.find(actor, body.workspace)
      const { view, purged } = await purge(parts, actor, workspace, body)
      if (purged) collections.purge(actor, purged)
      return reply.code(201).send(view)
    },
  )

  app.get(
    '/admin/stats',
    {
      config,
      schema: {
        tags,
        summary: 'What the store holds, and what it saves',
        querystring: Type.Object({
          workspace: Type.Optional(Type.String()),
          fresh: Type.Optional(Type.Boolean()),
        }),
        response: { 200: StatsView, '4xx': Problem },
      },
    },
    async ({ actor, query: { workspace, fresh } }) => {
      const of = workspace === undefined ? undefined : await parts.workspaces.find(actor, workspace)
      return statsOf(parts, { workspace: of?.id, fresh })
    },
  )

  app.get(
    '/admin/quotas',
    {
      config,
      schema: {
        tags,
        summary: 'Quotas',
        response: { 200: Type.Object({ quotas: Type.Array(QuotaView) }), '4xx': Problem },
      },
    },
    async () => ({ quotas: await listQuotas(parts) }),
  )

  app.post(
    '/admin/quotas',
    {
      config,
      schema: {
        tags,
        summary: 'Say how many bytes a workspace may take',
        body: QuotaRequest,
        response: { 200: QuotaView, '4xx': Problem },
      },
    },
    async ({ actor, body }) => {
      return setQuota(parts, actor, await parts.workspaces.find(actor, body.workspace), body.bytes)
    },
  )

  app.delete(
    '/admin/quotas/:ws',
    {
      config,
      schema: {
        tags,
        summary: 'Let a workspace take what it needs',
        params: Type.Object({ ws: Type.String() }),
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async ({ actor, params }, reply) => {
      await removeQuota(parts, actor, await parts.workspaces.find(actor, params.ws))
      return reply.code(204).send(null)
    },
  )
}
