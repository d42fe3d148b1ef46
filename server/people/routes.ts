import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { NewToken, NewUser, Problem, TokenRequest, TokenView, UserView } from '../../api/wire.ts'
import type { Tokens } from './tokens.ts'
import type { Users } from './users.ts'

interface Options {
  readonly users: Users
  readonly tokens: Tokens
}

const tags = ['people']
const config = { scope: 'admin' } as const

export const userRoutes: FastifyPluginAsyncTypebox<Pick<Options, 'users'>> = async (
  app,
  { users },
) => {
  app.get(
    '/admin/users',
    {
      config,
      schema: {
        tags,
        summary: 'Users',
        response: { 200: Type.Object({ users: Type.Array(UserView) }), '4xx': Problem },
      },
    },
    async request => ({ users: await users.list(request.actor) }),
  )

  app.post(
    '/admin/users',
    {
      config,
      schema: {
        tags,
        summary: 'Add a user',
        body: NewUser,
        response: { 201: UserView, '4xx': Problem },
      },
    },
    async (request, reply) => reply.code(201).send(await users.create(request.actor, request.body)),
  )

  app.delete(
    '/admin/users/:name',
    {
      config,
      schema: {
        tags,
        summary: 'Remove a user: name and tokens go, the facts stay',
        params: Type.Object({ name: Type.String() }),
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      await users.remove(request.actor, request.params.name)
      return reply.code(204).send(null)
    },
  )
}

export const tokenRoutes: FastifyPluginAsyncTypebox<Pick<Options, 'tokens'>> = async (
  app,
  { tokens },
) => {
  app.get(
    '/admin/tokens',
    {
      config,
      schema: {
        tags,
        summary: 'Tokens, without the tokens themselves',
        response: { 200: Type.Object({ tokens: Type.Array(TokenView) }), '4xx': Problem },
      },
    },
    async request => ({ tokens: await tokens.list(request.actor) }),
  )

  app.post(
    '/admin/tokens',
    {
      // The answer holds a secret, so it is not kept for a repetition of the call.
      config: { ...config, secret: true },
      schema: {
        tags,
        summary: 'Make a token; it is shown this once',
        body: TokenRequest,
        response: { 201: NewToken, '4xx': Problem },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return reply.code(201).send(await tokens.create(request.actor, request.body))
    },
  )

  app.delete(
    '/admin/tokens/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Revoke a token',
        params: Type.Object({ id: Type.String() }),
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      await tokens.revoke(request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
