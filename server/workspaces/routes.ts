import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Actor } from '../../api/actor.ts'
import { Problem, WorkspaceInfo, WorkspaceView } from '../../api/wire.ts'
import type { Workspace } from '../parts.ts'
import type { WorkspacesRoom } from './workspaces.ts'

interface Options {
  readonly workspaces: WorkspacesRoom
  /** Ends everything that runs in the workspace; a second call is no error. */
  stopWorkspace(actor: Actor, workspace: Workspace): Promise<void>
  pipelinesOf(workspace: Workspace): Promise<{ pipelines: string[]; repos: string[] }>
}

const tags = ['workspaces']
const Params = Type.Object({ ws: Type.String() })

export const workspaceRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { workspaces } = options

  app.get(
    '/workspaces',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Workspaces, by name',
        response: { 200: Type.Object({ workspaces: Type.Array(WorkspaceView) }), '4xx': Problem },
      },
    },
    async request => ({ workspaces: (await workspaces.list(request.actor)).map(viewOf) }),
  )

  app.post(
    '/workspaces',
    {
      config: { scope: 'maintain' },
      schema: {
        tags,
        summary: 'Create a workspace',
        body: Type.Object({ name: Type.String() }),
        response: { 201: WorkspaceView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const made = await workspaces.create(request.actor, request.body.name)
      return reply.code(201).send(viewOf(made))
    },
  )

  app.get(
    '/workspaces/:ws',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A workspace and what is in it',
        params: Params,
        response: { 200: WorkspaceInfo, '4xx': Problem },
      },
    },
    async request => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      return { ...viewOf(workspace), ...(await options.pipelinesOf(workspace)) }
    },
  )

  app.delete(
    '/workspaces/:ws',
    {
      config: { scope: 'maintain' },
      schema: {
        tags,
        summary: 'Kill a workspace: what runs is stopped, the facts stay',
        params: Params,
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      const workspace = await workspaces.find(request.actor, request.params.ws)
      await options.stopWorkspace(request.actor, workspace)
      await workspaces.remove(request.actor, workspace)
      // What was submitted between the two.
      await options.stopWorkspace(request.actor, workspace)
      return reply.code(204).send(null)
    },
  )
}

function viewOf({ name, createdAt, createdBy }: Workspace): WorkspaceView {
  return { name, createdAt, createdBy }
}
