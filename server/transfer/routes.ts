import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { KaosError } from '../../api/errors.ts'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import { Problem, UploadView } from '../../api/wire.ts'
import type { Transfer, Workspaces } from '../parts.ts'
import type { Space } from '../system/space.ts'
import { digestsIn, lengthOf } from './bodies.ts'
import type { Uploads } from './uploads.ts'

interface Options {
  readonly workspaces: Workspaces
  readonly uploads: Uploads
  readonly transfer: Transfer
  readonly space: Space
}

const tags = ['transfer']
const InUpload = Type.Object({ ws: Type.String(), upload: Type.String() })
type Body = AsyncIterable<Uint8Array>

export const uploadRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { workspaces, uploads, transfer } = options

  app.post(
    '/workspaces/:ws/uploads',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Begin to send folders',
        params: Type.Object({ ws: Type.String() }),
        response: { 201: UploadView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      await options.space.require()
      return reply.code(201).send(await uploads.open(request.actor, workspace))
    },
  )

  app.delete(
    '/workspaces/:ws/uploads/:upload',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'End an upload: what was made of it stays, the rest need not be remembered',
        params: InUpload,
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const session = await uploads.end(request.actor, workspace, request.params.upload)
      if (session !== undefined) await transfer.end(session)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/workspaces/:ws/uploads/:upload/have',
    {
      config: { scope: 'write', stream: true },
      schema: {
        tags,
        summary: 'Which objects need not be sent: a byte for each digest of the body',
        consumes: ['application/octet-stream'],
        params: InUpload,
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const session = await uploads.use(request.actor, workspace, request.params.upload)
      const digests = await digestsIn(bodyOf(request.body))
      const here = await transfer.have(session, workspace.id, digests)
      reply.type('application/octet-stream')
      return reply.send(Buffer.from(here.map(Number)))
    },
  )

  app.post(
    '/workspaces/:ws/uploads/:upload/objects',
    {
      config: { scope: 'write', stream: true },
      schema: {
        tags,
        summary: 'Send objects; when it is answered, all are durable',
        consumes: [FRAMES_TYPE],
        params: InUpload,
        response: { 200: Type.Object({ objects: Type.Integer() }), '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const session = await uploads.use(request.actor, workspace, request.params.upload)
      const bytes = lengthOf(request.headers)
      await options.space.require(bytes)
      const from = { workspace: workspace.id, bytes }
      return { objects: await transfer.receive(session, bodyOf(request.body), from) }
    },
  )
}

function bodyOf(body: unknown): Body {
  if (body === undefined || body === null) return Readable.from([])
  if (body instanceof Readable) return body
  throw new KaosError('BAD_REQUEST', `send the body as ${FRAMES_TYPE} or application/octet-stream`)
}
