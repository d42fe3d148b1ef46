import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { JobArtifacts, JobRow, JobView, KillRequest, Problem } from '../../api/wire.ts'
import { artifactsOf } from './artifacts.ts'
import type { Board } from './board.ts'
import { findJob } from './find.ts'
import { killJob } from './kill.ts'
import { jobLog } from './logs.ts'
import { rowOf } from './rows.ts'
import { jobSamples } from './samples.ts'
import { goneOf, sendBytes } from './streams.ts'
import { jobView } from './view.ts'

const tags = ['jobs']
const Params = Type.Object({ ws: Type.String(), job: Type.String() })
const Followed = Type.Object({
  follow: Type.Optional(Type.Boolean()),
  /** Only this one, by its place in the grid. */
  trial: Type.Optional(Type.Integer({ minimum: 0 })),
})
const Objective = Type.Union([Type.Literal('max'), Type.Literal('min')])

export const jobRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (app, { board }) => {
  const { workspaces, people } = board.parts

  app.get(
    '/workspaces/:ws/jobs/:job',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A job: inputs, outputs, metrics',
        params: Params,
        querystring: Type.Object({
          sortBy: Type.Optional(Type.String()),
          objective: Type.Optional(Objective),
          page: Type.Optional(Type.Integer()),
        }),
        response: { 200: JobView, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { value } = await findJob(board, workspace, request.params.job)
      return jobView(board, value, request.query)
    },
  )

  app.get(
    '/workspaces/:ws/jobs/:job/logs',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The log of a job; with follow it ends when the job has',
        params: Params,
        querystring: Followed,
        produces: ['text/plain'],
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { value } = await findJob(board, workspace, request.params.job)
      const { follow = false, trial } = request.query
      const bytes = jobLog(board, value, { follow, trial, signal: goneOf(reply) })
      return sendBytes(reply, TEXT, bytes, follow ? 'at once' : 'with the first bytes')
    },
  )

  const sampled = {
    measurements:
      'What the trials used while they ran, a line of JSON (MeasurementLine) per sample',
    metrics:
      'The metrics that the trials said while they ran, a line of JSON (MetricLine) per value',
  }
  for (const part of ['measurements', 'metrics'] as const) {
    app.get(
      `/workspaces/:ws/jobs/:job/${part}`,
      {
        config: { scope: 'read' },
        schema: {
          tags,
          summary: sampled[part],
          params: Params,
          querystring: Followed,
          produces: ['application/x-ndjson'],
        },
      },
      async (request, reply) => {
        const workspace = await workspaces.find(request.actor, request.params.ws)
        const { value } = await findJob(board, workspace, request.params.job)
        const { follow = false, trial } = request.query
        const lines = jobSamples(board, part, value, { trial, follow, signal: goneOf(reply) })
        return sendBytes(reply, NDJSON, lines, follow ? 'at once' : 'with the first bytes')
      },
    )
  }

  app.post(
    '/workspaces/:ws/jobs/:job/kill',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'End a job before its time',
        params: Params,
        body: Type.Union([KillRequest, Type.Null()]),
        response: { 200: JobRow, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { value } = await findJob(board, workspace, request.params.job)
      const reason = request.body?.reason ?? null
      return rowOf(people, await killJob(board, value, { by: request.actor.id, reason }))
    },
  )

  app.get(
    '/workspaces/:ws/jobs/:job/artifacts',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What can be fetched of a job, finished or not',
        params: Params,
        response: { 200: JobArtifacts, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { value } = await findJob(board, workspace, request.params.job)
      return artifactsOf(board, value)
    },
  )
}

export const TEXT = 'text/plain; charset=utf-8'
const NDJSON = 'application/x-ndjson'
