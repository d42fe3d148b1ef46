/** Workers, for administrators: tokens, draining, retiring, and what each of them is. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Actor } from '../../api/actor.ts'
import {
  NewWorkerToken,
  Problem,
  WorkerChange,
  WorkerList,
  WorkerRetired,
  WorkerTokenRequest,
} from '../../api/wire.ts'
import { giveUpAttempt } from '../attempts/report.ts'
import { attemptEach, type Board } from '../jobs/board.ts'
import { READY } from '../jobs/changes.ts'
import { type Change, changeWorker, enrolWorker } from './names.ts'
import { workerViews } from './view.ts'

const tags = ['workers']
const config = { scope: 'admin' } as const
const params = Type.Object({ name: Type.String() })

export const workerRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (app, { board }) => {
  app.get(
    '/admin/workers',
    {
      config,
      schema: {
        tags,
        summary: 'Workers: what they have, what they run, when they were heard of',
        response: { 200: WorkerList, '4xx': Problem },
      },
    },
    async () => ({ workers: await workerViews(board) }),
  )

  app.post(
    '/admin/workers',
    {
      // The answer holds a secret, so it is not kept for a repetition of the call.
      config: { ...config, secret: true },
      schema: {
        tags,
        summary: 'Make the token of a worker; it is shown this once, and one before it ends',
        body: WorkerTokenRequest,
        response: { 201: NewWorkerToken, '4xx': Problem },
      },
    },
    async ({ actor, body }, reply) => {
      const { made, record } = await enrolWorker(board.parts, actor, body)
      board.workers.learn(record)
      reply.header('cache-control', 'no-store')
      return reply.code(201).send(made)
    },
  )

  for (const [verb, change, summary] of [
    ['drain', 'drained', 'Give it nothing new; what it runs goes on'],
    ['resume', 'resumed', 'Give it work again'],
  ] as const) {
    app.post(
      `/admin/workers/:name/${verb}`,
      {
        config,
        schema: {
          tags,
          summary,
          params,
          body: WorkerChange,
          response: { 204: Type.Null(), '4xx': Problem },
        },
      },
      async ({ actor, params: { name }, body: { reason = null } }, reply) => {
        await changed(actor, name, change, reason)
        return reply.code(204).send(null)
      },
    )
  }

  app.post(
    '/admin/workers/:name/retire',
    {
      config,
      schema: {
        tags,
        summary: 'Take its token away; what it runs is given up and tried again elsewhere',
        params,
        body: WorkerChange,
        response: { 200: WorkerRetired, '4xx': Problem },
      },
    },
    async ({ actor, params: { name }, body: { reason = null } }) => {
      const { agent } = await changed(actor, name, 'retired', reason)
      const held = board.live.all().filter(({ record }) => record.agent === agent)
      const why = `worker ${name} was retired`
      await attemptEach(board, 'an attempt could not be given up', held, ({ record }) =>
        giveUpAttempt(board, record, why),
      )
      return { ended: held.length }
    },
  )

  async function changed(actor: Actor, name: string, change: Change, reason: string | null) {
    const record = await changeWorker(board.parts, actor, name, change, reason)
    board.workers.learn(record)
    // Who waits for work looks again whether it may have some.
    board.changes.wake(READY)
    return record
  }
}
