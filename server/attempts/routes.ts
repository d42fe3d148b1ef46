import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Claim, Lease, LogReceipt, Renewal, Report, WorkOrder } from '../../api/attempts.ts'
import { DigestSchema } from '../../api/digest-schema.ts'
import { BATCH_MAX, FRAMES_TYPE, PARTS_MAX } from '../../api/transfer/protocol.ts'
import { Problem } from '../../api/wire.ts'
import { Enrolled, Enrolment } from '../../api/worker-keys.ts'
import { folderFrames, partFrames, treeFrames } from '../../store/trees.ts'
import { enrolKey } from '../attestations/worker-keys.ts'
import type { Board } from '../jobs/board.ts'
import { attemptTopic } from '../jobs/changes.ts'
import { bodyOf, goneOf, sendBytes } from '../jobs/streams.ts'
import { bounded, digestsIn, lengthOf } from '../transfer/bodies.ts'
import { claimWork } from './claim.ts'
import { orderedTree } from './orders.ts'
import { renewAttempt } from './renew.ts'
import { reportAttempt } from './report.ts'

const tags = ['attempts']
const Params = Type.Object({ attempt: Type.String() })
const TreeParams = Type.Object({ attempt: Type.String(), digest: DigestSchema })

export const attemptRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (
  app,
  { board },
) => {
  const { transfer, store } = board.parts

  app.post(
    '/attempts/enrol',
    {
      config: { scope: 'worker' },
      schema: {
        tags,
        summary: 'Make known the key that this worker signs with; the same again is no error',
        body: Enrolment,
        response: { 200: Enrolled, '4xx': Problem },
      },
    },
    async request => ({
      kid: await enrolKey(board.parts.ledger, request.actor, request.body),
    }),
  )

  app.post(
    '/attempts/claim',
    {
      config: { scope: 'worker' },
      schema: {
        tags,
        summary: 'Take work; 204 when there was none in the time waited',
        body: Claim,
        response: { 200: WorkOrder, 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { actor, body, socket } = request
      const order = await claimWork(board, actor, body, goneOf(reply), socket.remoteAddress)
      return order ? reply.send(order) : reply.code(204).send(null)
    },
  )

  app.post(
    '/attempts/:attempt/renew',
    {
      config: { scope: 'attempt' },
      schema: {
        tags,
        summary: 'Keep an attempt, and tell how far it is',
        params: Params,
        body: Renewal,
        response: { 200: Lease, '4xx': Problem },
      },
    },
    async request => renewAttempt(board, request.params.attempt, request.body),
  )

  const appended = [
    { url: 'log', what: 'log', journals: board.journals },
    { url: 'measurements', what: 'JSON lines of measurements', journals: board.measurements },
    { url: 'metrics', what: 'JSON lines of metrics', journals: board.metrics },
  ]
  for (const { url, what, journals } of appended) {
    app.post(
      `/attempts/:attempt/${url}`,
      {
        config: { scope: 'attempt', stream: true },
        schema: {
          tags,
          summary: `Append to the ${what}; what is answered is durable`,
          params: Params,
          querystring: Type.Object({ offset: Type.Integer({ minimum: 0 }) }),
          consumes: ['application/octet-stream', 'text/plain'],
          response: { 200: LogReceipt, '4xx': Problem },
        },
      },
      async request => {
        const { attempt } = request.params
        await board.live.renew(attempt)
        const bytes = bounded(bodyOf(request.body), BATCH_MAX)
        const readable = () => board.changes.wake(attemptTopic(attempt))
        const offset = await journals.append(attempt, request.query.offset, bytes, readable)
        await board.live.renew(attempt)
        return { offset }
      },
    )
  }

  app.post(
    '/attempts/:attempt/have',
    {
      config: { scope: 'attempt', stream: true },
      schema: {
        tags,
        summary: 'Which objects need not be sent: a byte for each digest of the body',
        params: Params,
        consumes: ['application/octet-stream'],
      },
    },
    async (request, reply) => {
      const { attempt } = request.params
      const { workspace } = (await board.live.renew(attempt)).record.work
      const digests = await digestsIn(bodyOf(request.body))
      const here = await transfer.have(attempt, workspace, digests)
      return reply.type('application/octet-stream').send(Buffer.from(here.map(Number)))
    },
  )

  app.post(
    '/attempts/:attempt/objects',
    {
      config: { scope: 'attempt', stream: true },
      schema: {
        tags,
        summary: 'Send objects; when it is answered, all are durable',
        params: Params,
        consumes: [FRAMES_TYPE],
        response: { 200: Type.Object({ objects: Type.Integer() }), '4xx': Problem },
      },
    },
    async request => {
      const { attempt } = request.params
      const { workspace } = (await board.live.renew(attempt)).record.work
      const from = { workspace, bytes: lengthOf(request.headers) }
      const objects = await transfer.receive(attempt, bodyOf(request.body), from)
      await board.live.renew(attempt)
      return { objects }
    },
  )

  app.get(
    '/attempts/:attempt/trees/:digest',
    {
      config: { scope: 'attempt' },
      schema: {
        tags,
        summary: 'A folder that the order names, as frames',
        params: TreeParams,
        produces: [FRAMES_TYPE],
      },
    },
    async (request, reply) => {
      const { record } = await board.live.renew(request.params.attempt)
      const tree = await orderedTree(board, record.work, request.params.digest)
      return sendBytes(reply, FRAMES_TYPE, treeFrames(store, tree))
    },
  )

  app.get(
    '/attempts/:attempt/trees/:digest/folders',
    {
      config: { scope: 'attempt' },
      schema: {
        tags,
        summary: 'The folders of a tree that the order names, without their files, as frames',
        params: TreeParams,
        produces: [FRAMES_TYPE],
      },
    },
    async (request, reply) => {
      const { record } = await board.live.renew(request.params.attempt)
      const tree = await orderedTree(board, record.work, request.params.digest)
      return sendBytes(reply, FRAMES_TYPE, folderFrames(store, tree))
    },
  )

  app.post(
    '/attempts/:attempt/trees/:digest/parts',
    {
      config: { scope: 'attempt', stream: true },
      schema: {
        tags,
        summary: 'Of such a tree the segments and files whose digests the body has, as frames',
        params: TreeParams,
        consumes: ['application/octet-stream'],
        produces: [FRAMES_TYPE],
      },
    },
    async (request, reply) => {
      const { record } = await board.live.renew(request.params.attempt)
      const tree = await orderedTree(board, record.work, request.params.digest)
      const wanted = new Set(await digestsIn(bodyOf(request.body), PARTS_MAX))
      return sendBytes(reply, FRAMES_TYPE, partFrames(store, tree, wanted))
    },
  )

  app.post(
    '/attempts/:attempt/report',
    {
      config: { scope: 'attempt' },
      schema: {
        tags,
        summary: 'How the attempt ended; the same report again is no error',
        params: Params,
        body: Report,
        response: { 200: Type.Object({}), '4xx': Problem },
      },
    },
    async request => {
      await reportAttempt(board, request.params.attempt, request.body)
      return {}
    },
  )
}
