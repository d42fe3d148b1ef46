import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Problem, ReplayAccepted, ReplayRequest, ReplayView } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { findJob } from '../jobs/find.ts'
import { submitReplay } from './submit.ts'
import { replayView } from './view.ts'

const tags = ['train']

export const replayRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (app, { board }) => {
  const { workspaces } = board.parts

  app.post(
    '/workspaces/:ws/replays',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Run a model again, and say whether it comes out the same',
        params: Type.Object({ ws: Type.String() }),
        body: ReplayRequest,
        response: { 202: ReplayAccepted, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { actor, body, once } = request
      const workspace = await workspaces.find(actor, request.params.ws)
      return reply.code(202).send(await submitReplay(board, actor, workspace, body, once))
    },
  )

  app.get(
    '/workspaces/:ws/replays/:job',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A replay: its runs and its verdict',
        params: Type.Object({ ws: Type.String(), job: Type.String() }),
        response: { 200: ReplayView, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { value } = await findJob(board, workspace, request.params.job)
      return replayView(board, value)
    },
  )
}
