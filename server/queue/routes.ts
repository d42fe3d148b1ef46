import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { LimitRequest, MoveRequest, PauseRequest, Problem, QueueView } from '../../api/wire.ts'
import type { Json } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { READY } from '../jobs/changes.ts'
import { findJob } from '../jobs/find.ts'
import { isFinal } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { ALL, type Change } from './rules.ts'
import { viewOf } from './view.ts'

const tags = ['queue']
const config = { scope: 'admin' } as const
const response = { 204: Type.Null(), '4xx': Problem }

export const queueRoutes: FastifyPluginAsyncTypebox<{ board: Board }> = async (app, { board }) => {
  const { workspaces } = board.parts
  const { rules } = board.queue

  app.get(
    '/queue',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What runs, what is next, and what waits for what',
        querystring: Type.Object({ workspace: Type.Optional(Type.String()) }),
        response: { 200: QueueView, '4xx': Problem },
      },
    },
    async ({ actor, query }) => viewOf(board, actor, query.workspace),
  )

  app.post(
    '/queue/pause',
    {
      config,
      schema: {
        tags,
        summary: 'Begin no more builds and trainings; what runs goes on, services too',
        body: PauseRequest,
        response,
      },
    },
    async ({ actor, body: { workspace: name, reason = null } }, reply) => {
      const workspace = await named(actor, name)
      const change = changeOf(actor, 'queue.paused', workspace, { reason })
      await rules.pause(workspace?.id ?? ALL, reason, change)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/queue/resume',
    { config, schema: { tags, summary: 'End a pause', body: PauseRequest, response } },
    async ({ actor, body: { workspace: name, reason = null } }, reply) => {
      const workspace = await named(actor, name)
      const of = workspace?.id ?? ALL
      if (!rules.pauses.has(of)) throw notPaused(name)
      await rules.resume(of, changeOf(actor, 'queue.resumed', workspace, { reason }))
      board.changes.wake(READY)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/queue/move',
    {
      config,
      schema: {
        tags,
        summary: 'Put a job before or behind the others',
        body: MoveRequest,
        response,
      },
    },
    async ({ actor, body: { workspace: name, job: text, to } }, reply) => {
      const workspace = await workspaces.find(actor, name)
      const { value: job } = await findJob(board, workspace, text)
      if (isFinal(job.state)) {
        throw new KaosError('JOB_NOT_RUNNING', `job ${job.id} has ended; nothing of it waits`)
      }
      await rules.move(job.id, to, changeOf(actor, 'queue.moved', workspace, { job: job.id, to }))
      board.changes.wake(READY)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/queue/limit',
    {
      config,
      schema: {
        tags,
        summary: 'How many trials of a workspace may run at once',
        body: LimitRequest,
        response,
      },
    },
    async ({ actor, body: { workspace: name, trials } }, reply) => {
      const workspace = await workspaces.find(actor, name)
      await rules.limit(
        workspace.id,
        trials,
        changeOf(actor, 'queue.limited', workspace, { trials }),
      )
      board.changes.wake(READY)
      return reply.code(204).send(null)
    },
  )

  async function named(actor: Actor, name: string | undefined): Promise<Workspace | undefined> {
    return name === undefined ? undefined : workspaces.find(actor, name)
  }
}

function changeOf(
  { id, organisation }: Actor,
  type: string,
  workspace: Workspace | undefined,
  detail: { [key: string]: Json },
): Change {
  return {
    actor: id,
    organisation,
    type,
    ...(workspace ? { workspace: workspace.id } : {}),
    detail,
  }
}

function notPaused(workspace: string | undefined): KaosError {
  const what = workspace === undefined ? 'the queue as a whole' : `the queue of ${workspace}`
  return new KaosError('CONFLICT', `${what} is not paused; see: kaos queue list`)
}
