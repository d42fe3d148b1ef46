import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import {
  LeaderboardView,
  Problem,
  Recipe,
  RetryAccepted,
  RetryRequest,
  TrainAccepted,
  TrainInputs,
  TrainList,
  TrainRequest,
} from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { trainingOf } from '../replay/original.ts'
import { inputsView, readTargets } from './inputs.ts'
import { leaderboard } from './leaderboard.ts'
import { listTraining } from './list.ts'
import { recipeOf } from './recipe.ts'
import { retryTraining } from './retry.ts'
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

  app.post(
    '/workspaces/:ws/train/:job/retry',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Run the trials that did not succeed again, in a job of their own',
        params: Type.Object({ ws: Type.String(), job: Type.String() }),
        body: RetryRequest,
        response: { 202: RetryAccepted, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { actor, once, params, body } = request
      const workspace = await workspaces.find(actor, params.ws)
      const asked = { job: params.job, request: body }
      return reply.code(202).send(await retryTraining(board, { actor, once }, workspace, asked))
    },
  )

  app.get(
    '/workspaces/:ws/train/leaderboard',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The best models of all trainings by one metric',
        params: Params,
        querystring: Type.Object({
          metric: Type.Optional(Type.String()),
          objective: Type.Optional(Type.Union([Type.Literal('max'), Type.Literal('min')])),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        }),
        response: { 200: LeaderboardView, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      return leaderboard(board, workspace, request.query)
    },
  )

  app.get(
    '/workspaces/:ws/train/:job/recipe',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'All that it takes to run a training again, with or without changes',
        params: Type.Object({ ws: Type.String(), job: Type.String() }),
        querystring: Type.Object({ trial: Type.Optional(Type.Integer({ minimum: 0 })) }),
        response: { 200: Recipe, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const job = await trainingOf(board, workspace, request.params.job)
      return recipeOf(board, workspace, job, request.query.trial)
    },
  )
}
