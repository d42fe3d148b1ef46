import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Problem, TrainAccepted, TrainInputs, TrainList, TrainRequest } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { inputsView, readTargets } from './inputs.ts'
import { listTraining } from './list.ts'
import { submitTraining } from './submit.ts'

const tags = ['train']
const Params = Type.Object({ ws: Type.String() })

export const trainRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (app, { board }) => {
  const { workspaces, ledger } = board.parts

  app.post(
    '/workspaces/:ws/train',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Train: what is left out stays as it was, except the hyperparameters',
        params: Params,
        body: TrainRequest,
        response: { 202: TrainAccepted, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const accepted = await submitTraining(
        board,
        request.actor,
        workspace,
        request.body,
        request.once,
      )
      return reply.code(202).send(accepted)
    },
  )

  app.get(
    '/workspaces/:ws/train',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Trainings and builds, newest first',
        params: Params,
        response: { 200: TrainList, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      return listTraining(board, workspace.id)
    },
  )

  app.get(
    '/workspaces/:ws/train/inputs',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The inputs in force',
        params: Params,
        response: { 200: TrainInputs, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      return inputsView(board, workspace, await readTargets(ledger, workspace.id))
    },
  )
}
