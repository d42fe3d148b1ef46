import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  DirectionSchema,
  ExperimentsView,
  ImpactView,
  Problem,
  ProvenanceView,
  SearchView,
  WhyView,
} from '../../api/wire.ts'
import type { Board } from '../jobs/board.ts'
import { sendBytes } from '../jobs/streams.ts'
import { documentOf } from './document.ts'
import { experimentsView } from './experiments.ts'
import { EXPORT_TYPES, exported } from './export.ts'
import { impactView } from './impact.ts'
import { searchView } from './search.ts'
import { sendDocument } from './send.ts'
import { provenanceView } from './show.ts'
import { whyView } from './why/why.ts'

const tags = ['provenance']
const config = { scope: 'read' } as const
const BASE = '/workspaces/:ws/provenance'
const params = Type.Object({ ws: Type.String() })
const Name = Type.String({ minLength: 1, maxLength: 512 })
const Text = Type.Optional(Type.String({ maxLength: 200 }))
const Limit = (maximum: number) => Type.Optional(Type.Integer({ minimum: 1, maximum }))
const Cursor = Type.Optional(Type.String({ maxLength: 1000 }))
const QUESTION = {
  id: Name,
  direction: Type.Optional(DirectionSchema),
  depth: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  asOf: Type.Optional(Type.String({ maxLength: 64 })),
}
const FORMATS = ['pdf', 'svg', 'png', 'dot', 'json', 'prov'] as const
const EXPORTS = ['openlineage', 'prov'] as const

export const provenanceRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (
  app,
  { board },
) => {
  const { parts } = board
  const workspaceOf = (request: FastifyRequest) =>
    parts.workspaces.find(request.actor, (request.params as { ws: string }).ws)

  app.get(
    BASE,
    {
      config,
      schema: {
        tags,
        summary: 'What something came from, or what came from it, by any of its names',
        params,
        querystring: Type.Object({ ...QUESTION, limit: Limit(10_000) }),
        response: { 200: ProvenanceView, '4xx': Problem },
      },
    },
    async request => provenanceView(board, await workspaceOf(request), request.query),
  )

  app.get(
    `${BASE}/document`,
    {
      config,
      schema: {
        tags,
        summary: 'The same as a drawing, as the graph in JSON, or as PROV-JSON',
        params,
        querystring: Type.Object({
          ...QUESTION,
          format: Type.Union(FORMATS.map(format => Type.Literal(format))),
        }),
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
      const host = request.headers.host ?? 'localhost'
      const { name, ...document } = await documentOf(
        board,
        await workspaceOf(request),
        request.query,
        host,
      )
      return sendDocument(reply, document, name)
    },
  )

  app.get(
    `${BASE}/impact`,
    {
      config,
      schema: {
        tags,
        summary: 'Jobs, models, tags and endpoints that came from something or its like',
        params,
        querystring: Type.Object({ id: Name, limit: Limit(1000), cursor: Cursor }),
        response: { 200: ImpactView, '4xx': Problem },
      },
    },
    async request => impactView(board, await workspaceOf(request), request.query),
  )

  app.get(
    `${BASE}/why`,
    {
      config,
      schema: {
        tags,
        summary: 'Why two models differ: the fewest inputs, and what differs in them',
        params,
        querystring: Type.Object({ a: Name, b: Name }),
        response: { 200: WhyView, '4xx': Problem },
      },
    },
    async request => whyView(board, await workspaceOf(request), request.query),
  )

  app.get(
    `${BASE}/search`,
    {
      config,
      schema: {
        tags,
        summary: 'Things by kind, author, time, metrics, text and tag, newest first',
        params,
        querystring: Type.Object({
          kind: Text,
          author: Text,
          since: Text,
          until: Text,
          metric: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 20 })),
          text: Text,
          tag: Text,
          limit: Limit(1000),
          cursor: Cursor,
        }),
        response: { 200: SearchView, '4xx': Problem },
      },
    },
    async request => searchView(parts, await workspaceOf(request), request.query),
  )

  app.get(
    `${BASE}/experiments`,
    {
      config,
      schema: {
        tags,
        summary: 'Trainings, each below the one that it came from',
        params,
        querystring: Type.Object({ job: Type.Optional(Name), metric: Text }),
        response: { 200: ExperimentsView, '4xx': Problem },
      },
    },
    async request => experimentsView(board, await workspaceOf(request), request.query),
  )

  app.get(
    `${BASE}/export`,
    {
      config,
      schema: {
        tags,
        summary: 'The whole workspace as OpenLineage events, one to a line, or as PROV-JSON',
        params,
        querystring: Type.Object({ format: Type.Union(EXPORTS.map(one => Type.Literal(one))) }),
        produces: Object.values(EXPORT_TYPES),
      },
    },
    async (request, reply) => {
      const { format } = request.query
      const workspace = await workspaceOf(request)
      reply.header('x-content-type-options', 'nosniff')
      return sendBytes(reply, EXPORT_TYPES[format], exported(parts.ledger, workspace, format))
    },
  )
}
