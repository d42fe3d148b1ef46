import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { KaosError } from '../../api/errors.ts'
import { DiffView, EntityView, PartList, Problem } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Workspace } from '../parts.ts'
import { partsOf } from './contained.ts'
import { changesBetween } from './diff.ts'
import { findEntity, type Sought } from './find.ts'
import { referenceOf } from './origins.ts'
import { ANY_KIND, Kinds, kindsIn, LIMIT, LIMIT_MAX } from './query.ts'
import type { Room } from './room.ts'
import { entityView } from './views.ts'

const tags = ['catalogue']
const Name = Type.String({ minLength: 1, maxLength: 512 })
const InWorkspace = Type.Object({ ws: Type.String() })

export const entityRoutes: FastifyPluginAsyncTypebox<Room> = async (app, room) => {
  const { workspaces, ledger, store, partOf } = room

  app.get(
    '/workspaces/:ws/entities',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A data set, model or source by any of its names: version, tag, short id, digest',
        params: InWorkspace,
        querystring: Type.Object({ reference: Name, kind: Type.Optional(Kinds) }),
        response: { 200: EntityView, '4xx': Problem },
      },
    },
    async request => {
      const { reference, kind } = request.query
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const kinds = kind === undefined ? ANY_KIND : kindsIn(kind)
      const node = await findEntity(ledger, workspace, reference, kinds, partOf)
      return entityView(room, workspace, node, request.headers.host ?? 'localhost')
    },
  )

  app.get(
    '/workspaces/:ws/entities/:entity/parts',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What can be fetched of it: its files, its code, its data',
        params: Type.Object({ ws: Type.String(), entity: Type.String() }),
        response: { 200: PartList, '4xx': Problem },
      },
    },
    async request => {
      const { ws, entity } = request.params
      const workspace = await workspaces.find(request.actor, ws)
      const node = await ledger.node(entity)
      if (node?.workspace === workspace.id && node.class === 'entity') {
        return { parts: await partsOf(ledger, workspace.id, node) }
      }
      throw new KaosError('NOT_FOUND', `there is nothing under ${entity} in this workspace`)
    },
  )

  app.get(
    '/workspaces/:ws/diff',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Files that were added, removed or changed between two things, by path',
        params: InWorkspace,
        querystring: Type.Object({
          from: Name,
          to: Name,
          kind: Type.Optional(Kinds),
          cursor: Type.Optional(Type.String()),
          limit: LIMIT,
        }),
        response: { 200: DiffView, '4xx': Problem },
      },
    },
    async request => {
      const { from, to, kind, cursor, limit = LIMIT_MAX } = request.query
      const workspace = await workspaces.find(request.actor, request.params.ws)
      const kinds = kind === undefined ? ANY_KIND : kindsIn(kind)
      const [before, after] = [
        await found(workspace, from, kinds),
        await found(workspace, to, kinds),
      ]
      const changes: DiffView['changes'] = []
      const answer = { from: await shown(before), to: await shown(after), changes }
      for await (const change of changesBetween(store, treeOf(before), treeOf(after), cursor)) {
        if (changes.length === limit) return { ...answer, next: changes.at(-1)!.path }
        changes.push(change)
      }
      return { ...answer, next: null }
    },
  )

  const found = (workspace: Workspace, reference: string, kinds: readonly Sought[]) =>
    findEntity(ledger, workspace, reference, kinds, partOf)
  const shown = async (node: Node) => {
    return { entity: node.id, reference: await referenceOf(ledger, node.workspace ?? '', node) }
  }
}

function treeOf({ digest, name, id }: Node) {
  if (digest !== undefined) return digest
  throw new KaosError('BAD_REQUEST', `${name ?? id} has no files to compare`)
}
