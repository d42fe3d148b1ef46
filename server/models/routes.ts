import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { ModelView, Problem, ScoreView } from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { modelProvenance } from '../provenance/provenance.ts'
import { Format, sendDocument } from '../provenance/send.ts'
import { scoreView } from '../replay/score.ts'
import { findModel } from './find.ts'
import { listModels, showModel } from './view.ts'

const tags = ['models']
const Params = Type.Object({ ws: Type.String(), model: Type.String() })

export const modelRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (app, { board }) => {
  const { parts } = board
  const { workspaces, ledger, partOf } = parts

  app.get(
    '/workspaces/:ws/models',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Models, newest first',
        params: Type.Object({ ws: Type.String() }),
        response: { 200: Type.Object({ models: Type.Array(ModelView) }), '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      return { models: await listModels(parts, workspace) }
    },
  )

  app.get(
    '/workspaces/:ws/models/:model',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A model, by its id, a unique part of it, its entity id, or @latest',
        params: Params,
        response: { 200: ModelView, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      return showModel(parts, workspace, request.params.model)
    },
  )

  app.get(
    '/workspaces/:ws/models/:model/score',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'How reproducible a model is, and what would better it',
        params: Params,
        response: { 200: ScoreView, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      return scoreView(board, workspace, request.params.model)
    },
  )

  app.get(
    '/workspaces/:ws/models/:model/provenance',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'How a model came to be, as a drawing or as its graph',
        params: Params,
        querystring: Format,
        produces: [
          'application/pdf',
          'image/svg+xml',
          'image/png',
          'text/vnd.graphviz',
          'application/json',
        ],
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const model = await findModel(ledger, workspace, request.params.model, partOf)
      const format = request.query.format ?? 'pdf'
      const document = await modelProvenance(parts, workspace, model, format)
      return sendDocument(reply, document, `model-${model.name}.${format}`)
    },
  )
}
