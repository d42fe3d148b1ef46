import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Problem, TagHistory, TagRequest, TagView } from '../../api/wire.ts'
import { findEntity } from './find.ts'
import { requireRepository } from './pointers.ts'
import { ANY_KIND, kindsIn } from './query.ts'
import type { Room } from './room.ts'
import { viewAt } from './routes.ts'
import { tagEntity, tagHistory, untag } from './tag.ts'

const tags = ['catalogue']
const BASE = '/workspaces/:ws/repositories/:repository/tags'
const OfTag = Type.Object({ ws: Type.String(), repository: Type.String(), tag: Type.String() })

export const tagRoutes: FastifyPluginAsyncTypebox<Room> = async (app, room) => {
  const { workspaces, ledger, partOf } = room

  app.post(
    BASE,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Move tags to what is named, which becomes a version here if it is none',
        params: Type.Object({ ws: Type.String(), repository: Type.String() }),
        body: TagRequest,
        response: { 200: TagView, '4xx': Problem },
      },
    },
    async request => {
      const { actor, once, params, body } = request
      const workspace = await workspaces.find(actor, params.ws)
      const repository = requireRepository(params.repository)
      const kinds = body.kind === undefined ? ANY_KIND : kindsIn(body.kind)
      const entity = await findEntity(ledger, workspace, body.reference, kinds, partOf)
      const asked = { actor, workspace, once }
      const { version, added, moved } = await tagEntity(room, asked, repository, entity, body.tags)
      return { version: await viewAt(room, workspace, repository, version), added, moved }
    },
  )

  app.get(
    `${BASE}/:tag`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Where a tag stood: who moved it, when, from where to where',
        params: OfTag,
        response: { 200: TagHistory, '4xx': Problem },
      },
    },
    async request => {
      const { ws, repository, tag } = request.params
      const workspace = await workspaces.find(request.actor, ws)
      return tagHistory(room, workspace.id, repository, tag)
    },
  )

  app.delete(
    `${BASE}/:tag`,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Take a tag away; what it stood at stays',
        params: OfTag,
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { actor, once, params } = request
      const workspace = await workspaces.find(actor, params.ws)
      await untag(room, { actor, workspace, once }, params.repository, params.tag)
      return reply.code(204).send(null)
    },
  )
}
