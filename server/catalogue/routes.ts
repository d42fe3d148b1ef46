import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { KaosError } from '../../api/errors.ts'
import {
  About,
  AboutChange,
  Problem,
  PushRequest,
  PushView,
  RepositoryList,
  RepositoryView,
  VersionList,
} from '../../api/wire.ts'
import type { Workspace } from '../parts.ts'
import type { Uploads } from '../transfer/uploads.ts'
import { aboutOf, planAbout } from './describe.ts'
import { requireRepository } from './pointers.ts'
import { push } from './push.ts'
import { Kinds, kindsIn, LIMIT, limitOf } from './query.ts'
import { removeVersion } from './remove.ts'
import { type Asked, commitOnce, madeBefore, type Room } from './room.ts'
import { inTurn } from './turns.ts'
import { tagsOf, versionAt } from './versions.ts'
import { repositoryList, repositoryView, versionList, versionView } from './views.ts'

const tags = ['catalogue']
const BASE = '/workspaces/:ws/repositories'
const InWorkspace = Type.Object({ ws: Type.String() })
const InRepository = Type.Object({ ws: Type.String(), repository: Type.String() })

type Options = Room & { readonly uploads: Uploads }

export const repositoryRoutes: FastifyPluginAsyncTypebox<Options> = async (app, room) => {
  const { workspaces, uploads } = room
  const workspaceOf = (request: FastifyRequest): Promise<Workspace> =>
    workspaces.find(request.actor, (request.params as { ws: string }).ws)

  app.post(
    BASE,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Keep a folder that was sent as the next version of a data set or a model',
        params: InWorkspace,
        body: PushRequest,
        response: { 200: PushView, 201: PushView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const workspace = await workspaceOf(request)
      const session = await uploads.use(request.actor, workspace, request.body.upload)
      const asked = { actor: request.actor, workspace, once: request.once }
      const { repository, version, unchanged, moved, warnings } = await push(
        room,
        asked,
        session,
        request.body,
      )
      const view = await viewAt(room, workspace, repository, version)
      return reply.code(unchanged ? 200 : 201).send({ version: view, unchanged, moved, warnings })
    },
  )

  app.get(
    BASE,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Data sets, models and artifacts with their newest version, by name',
        params: InWorkspace,
        querystring: Type.Object({
          kind: Type.Optional(Kinds),
          cursor: Type.Optional(Type.String()),
          limit: LIMIT,
        }),
        response: { 200: RepositoryList, '4xx': Problem },
      },
    },
    async request => {
      const { kind, cursor, limit } = request.query
      const kinds = kind === undefined ? undefined : kindsIn(kind)
      const page = { after: cursor, limit: limitOf(limit) }
      return repositoryList(room, (await workspaceOf(request)).id, kinds, page)
    },
  )

  app.get(
    `${BASE}/:repository`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A repository: its newest version, its tags, what is said of it',
        params: InRepository,
        response: { 200: RepositoryView, '4xx': Problem },
      },
    },
    async request => {
      const { repository } = request.params
      const workspace = await workspaceOf(request)
      const view = await repositoryView(room, workspace.id, repository)
      return view ?? Promise.reject(noRepository(workspace, repository))
    },
  )

  app.post(
    `${BASE}/:repository/about`,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Say something of a repository: title, description, licence, keywords',
        params: InRepository,
        body: AboutChange,
        response: { 200: About, '4xx': Problem },
      },
    },
    async request => {
      const { repository } = request.params
      const workspace = await workspaceOf(request)
      const asked = { actor: request.actor, workspace, once: request.once }
      await describeRepository(room, asked, repository, request.body)
      return (await aboutOf(room, workspace.id, repository)) ?? NOTHING_SAID
    },
  )

  app.get(
    `${BASE}/:repository/versions`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The versions of a repository, newest first',
        params: InRepository,
        querystring: Type.Object({
          cursor: Type.Optional(Type.Integer({ minimum: 1 })),
          limit: LIMIT,
        }),
        response: { 200: VersionList, '4xx': Problem },
      },
    },
    async request => {
      const { repository } = request.params
      const { cursor: below, limit } = request.query
      const workspace = await workspaceOf(request)
      const page = { below, limit: limitOf(limit) }
      const list = await versionList(room, workspace.id, repository, page)
      const isThere = list.versions.length > 0 || below !== undefined
      if (isThere || (await repositoryView(room, workspace.id, repository))) return list
      throw noRepository(workspace, repository)
    },
  )

  app.delete(
    `${BASE}/:repository/versions/:version`,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Take a version out of the catalogue; what jobs used stays',
        params: Type.Object({
          ws: Type.String(),
          repository: Type.String(),
          version: Type.Integer({ minimum: 1 }),
        }),
        querystring: Type.Object({ force: Type.Optional(Type.Boolean()) }),
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { repository, version } = request.params
      const workspace = await workspaceOf(request)
      const asked = { actor: request.actor, workspace, once: request.once }
      const name = requireRepository(repository)
      await removeVersion(room, asked, name, version, request.query.force ?? false)
      return reply.code(204).send(null)
    },
  )
}

const NOTHING_SAID: About = {
  title: '',
  description: '',
  licence: '',
  keywords: [],
  author: '',
  at: '',
}

async function describeRepository(
  room: Room,
  asked: Asked,
  repository: string,
  change: AboutChange,
): Promise<void> {
  const { ledger } = room
  const { actor, workspace } = asked
  const view = await repositoryView(room, workspace.id, repository)
  if (!view) throw noRepository(workspace, repository)
  await inTurn(ledger, workspace.id, repository, async () => {
    if (await madeBefore(ledger, asked)) return
    const planned = await planAbout(ledger, actor, workspace, repository, change)
    if (!planned) return
    const { expect, statement } = planned
    await commitOnce(room, asked, { expect, statements: [statement] }, { repository })
  })
}

export async function viewAt(room: Room, { id }: Workspace, repository: string, number: number) {
  const version = await versionAt(room.ledger, id, repository, number)
  if (!version) throw new KaosError('CONFLICT', `${repository}@v${number} was removed meanwhile`)
  return versionView(room, id, version, await tagsOf(room.ledger, id, repository))
}

function noRepository({ name }: Workspace, repository: string): KaosError {
  const message = `workspace ${name} has no data set and no model ${repository}`
  return new KaosError('NOT_FOUND', `${message}; see: kaos data list, kaos model list`)
}
