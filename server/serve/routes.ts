import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  Artifact,
  EndpointView,
  KillRequest,
  Problem,
  ServeAccepted,
  ServeList,
  ServeRequest,
} from '../../api/wire.ts'
import { artifactOf } from '../jobs/artifacts.ts'
import type { Board } from '../jobs/board.ts'
import { endpointLog } from '../jobs/logs.ts'
import type { EndpointRecord } from '../jobs/records.ts'
import { TEXT } from '../jobs/routes.ts'
import { goneOf, sendBytes } from '../jobs/streams.ts'
import { endpointProvenance } from '../provenance/provenance.ts'
import { Format, sendDocument } from '../provenance/send.ts'
import { type Marks, marksOf } from '../quarantine/marks.ts'
import { endpointTaint } from '../quarantine/ongoing.ts'
import { listServeBuilds } from '../train/list.ts'
import { deployEndpoint } from './deploy.ts'
import { endpointsOf, findEndpoint } from './endpoints.ts'
import { killEndpoint } from './kill.ts'
import { endpointView, urlOf } from './view.ts'

const tags = ['serve']
const OfWorkspace = Type.Object({ ws: Type.String() })
const OfEndpoint = Type.Object({ ws: Type.String(), endpoint: Type.String() })
const BASE = '/workspaces/:ws/serve'

export const serveRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (app, { board }) => {
  const { parts } = board
  const { workspaces } = parts
  const hostOf = (request: FastifyRequest): string => request.headers.host ?? 'localhost'
  const found = async (request: FastifyRequest) => {
    const { ws, endpoint } = request.params as { ws: string; endpoint: string }
    const workspace = await workspaces.find(request.actor, ws)
    return { workspace, endpoint: await findEndpoint(board, workspace, endpoint) }
  }

  const listed = async (endpoint: EndpointRecord, host: string, marks: Marks) => {
    const quarantined = await endpointTaint(board, endpoint, marks)
    const view = await endpointView(parts, endpoint, host)
    return quarantined === undefined ? view : { ...view, quarantined }
  }

  app.post(
    BASE,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Serve a source, with a model put in',
        params: OfWorkspace,
        body: ServeRequest,
        response: { 202: ServeAccepted, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const { actor, body } = request
      const accepted = await deployEndpoint(
        board,
        actor,
        workspace,
        body,
        hostOf(request),
        request.once,
      )
      return reply.code(202).send(accepted)
    },
  )

  app.get(
    BASE,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Builds and endpoints, newest first',
        params: OfWorkspace,
        response: { 200: ServeList, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const built = endpointsOf(board, workspace.id).filter(one => one.image !== null)
      const marks = await marksOf(parts.ledger, workspace.organisation)
      return {
        building: await listServeBuilds(board, workspace.id),
        running: await Promise.all(built.map(one => listed(one, hostOf(request), marks))),
      }
    },
  )

  app.get(
    `${BASE}/endpoints/:endpoint`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'An endpoint, by its name, a unique part of it, or @latest',
        params: OfEndpoint,
        response: { 200: EndpointView, '4xx': Problem },
      },
    },
    async request => endpointView(parts, (await found(request)).endpoint, hostOf(request)),
  )

  app.get(
    `${BASE}/endpoints/:endpoint/artifacts`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The source as it was deployed, with the model put in',
        params: OfEndpoint,
        response: { 200: Type.Object({ code: Artifact }), '4xx': Problem },
      },
    },
    async request => ({ code: await artifactOf(board, (await found(request)).endpoint.source) }),
  )

  app.get(
    `${BASE}/endpoints/:endpoint/logs`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What the service printed',
        params: OfEndpoint,
        querystring: Type.Object({ follow: Type.Optional(Type.Boolean()) }),
        produces: ['text/plain'],
      },
    },
    async (request, reply) => {
      const { endpoint } = await found(request)
      const follow = request.query.follow ?? false
      const bytes = endpointLog(board, endpoint.name, { follow, signal: goneOf(reply) })
      return sendBytes(reply, TEXT, bytes, follow ? 'at once' : 'with the first bytes')
    },
  )

  app.get(
    `${BASE}/endpoints/:endpoint/provenance`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What an endpoint serves and how that came to be',
        params: OfEndpoint,
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
      const { workspace, endpoint } = await found(request)
      const format = request.query.format ?? 'pdf'
      const url = urlOf(endpoint.name, parts.settings.publicUrl, hostOf(request))
      const document = await endpointProvenance(parts, workspace, endpoint, url, format)
      return sendDocument(reply, document, `${endpoint.name}.${format}`)
    },
  )

  app.post(
    `${BASE}/endpoints/:endpoint/kill`,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'End an endpoint; its record and its facts stay',
        params: OfEndpoint,
        body: Type.Union([KillRequest, Type.Null()]),
        response: { 200: EndpointView, '4xx': Problem },
      },
    },
    async request => {
      const { endpoint } = await found(request)
      const killing = { by: request.actor.id, reason: request.body?.reason ?? null }
      const gone = await killEndpoint(board, endpoint.name, killing)
      return endpointView(parts, gone, hostOf(request))
    },
  )
}
