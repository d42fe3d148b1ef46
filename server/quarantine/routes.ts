import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import {
  LiftRequest,
  Problem,
  QuarantineList,
  QuarantineRequest,
  QuarantineRow,
  QuarantineView,
} from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { ongoing } from './ongoing.ts'
import { lift, quarantine, quarantineList } from './quarantine.ts'

const tags = ['quarantine']
const Params = Type.Object({ ws: Type.String() })
const BASE = '/workspaces/:ws/quarantine'

export const quarantineRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (
  app,
  { board },
) => {
  const { workspaces } = board.parts

  app.post(
    BASE,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Put content into quarantine: nothing may be trained, served or tagged of it',
        params: Params,
        body: QuarantineRequest,
        response: { 201: QuarantineView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { actor, once, body } = request
      const workspace = await workspaces.find(actor, request.params.ws)
      const row = await quarantine(board, { actor, workspace, once }, body)
      const reason = `${row.name} was quarantined: ${row.reason}`
      const killing = body.drain === true ? { by: actor.id, reason } : undefined
      const running = await ongoing(board, workspace.organisation, killing)
      return reply.code(201).send({ quarantine: row, affected: running })
    },
  )

  app.post(
    `${BASE}/lift`,
    {
      config: { scope: 'maintain' },
      schema: {
        tags,
        summary: 'Take content out of quarantine',
        params: Params,
        body: LiftRequest,
        response: { 200: QuarantineRow, '4xx': Problem },
      },
    },
    async request => {
      const { actor, once, body } = request
      const workspace = await workspaces.find(actor, request.params.ws)
      return lift(board, { actor, workspace, once }, body)
    },
  )

  app.get(
    BASE,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What is quarantined in the organisation, newest first',
        params: Params,
        response: { 200: QuarantineList, '4xx': Problem },
      },
    },
    async request => {
      const { organisation } = await workspaces.find(request.actor, request.params.ws)
      return { quarantined: await quarantineList(board, organisation) }
    },
  )
}
