/* The DVC remote `/dvc/<workspace>[/<repository>]`, for `https://` and `webdav://` alike. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Scope } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { arriving, sendBlob } from '../remotes/answers.ts'
import { openAsked } from '../remotes/asked.ts'
import { blobOf, type Remote } from '../remotes/objects.ts'
import { takeRawBodies, tellRemoteErrors } from '../remotes/plugin.ts'
import type { Rooms } from '../rooms.ts'
import { type Dvc, openDvc } from './dvc.ts'
import { type DvcObject, type Location, locationOf } from './paths.ts'
import { depthIn, foundIn, multistatus, tagOf } from './webdav.ts'

const METHODS = 'OPTIONS, GET, HEAD, POST, PUT, DELETE, PROPFIND, MKCOL'

interface Call extends Location {
  readonly remote: Remote
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}
type Answer = (call: Call) => Promise<FastifyReply>

export async function dvcRoutes(app: FastifyInstance, parts: Rooms): Promise<void> {
  const { store, settings, workspaces } = parts
  const dvc = openDvc(parts)
  const asked = openAsked(parts)
  const prefix = settings.publicUrl ? new URL(settings.publicUrl).pathname.replace(/\/$/, '') : ''
  app.addHook('onReady', async () => dvc.start())
  app.addHook('onClose', async () => dvc.close())
  takeRawBodies(app)
  tellRemoteErrors(app, { 'www-authenticate': 'Basic realm="kaos", charset="UTF-8"' })

  const read: Answer = async ({ remote, place, request, reply }) => {
    if (place.kind === 'folder') return notAllowed(reply)
    const { path } = place.object
    const { object } = await dvc.objects.look(remote, path)
    if (object === undefined) throw absent(place.object)
    return sendBlob(request, reply, blobOf(store, object), tagOf(path))
  }

  const write: Answer = async ({ remote, place, request, reply }) => {
    if (place.kind === 'folder') return notAllowed(reply)
    const isNew = await dvc.take(request.actor, remote, place.object, arriving(request))
    return reply.code(isNew ? 201 : 200).send()
  }

  const remove: Answer = async ({ remote, place, request, reply }) => {
    if (place.kind === 'folder') return notAllowed(reply)
    if (!(await dvc.remove(request.actor, remote, place.object))) throw absent(place.object)
    return reply.code(204).send()
  }

  const list: Answer = async ({ remote, place, base, request, reply }) => {
    const depth = depthIn(request.headers.depth)
    const found =
      place.kind === 'folder'
        ? foundIn(dvc.objects, remote, place.folder, depth)
        : [await foundObject(dvc, remote, place.object)]
    const text = multistatus(prefix + base, found)
    reply.code(207).type('application/xml; charset=utf-8')
    return reply.send(Readable.from(text, { objectMode: false }))
  }

  const makeFolder: Answer = async ({ remote, place, reply }) => {
    const isShard = place.kind === 'folder' && /[0-9a-f]{2}$/.test(place.folder)
    if (!isShard || (await dvc.objects.any(remote, `${place.folder}/`))) return notAllowed(reply)
    return reply.code(201).send()
  }

  const tell: Answer = async ({ reply }) => {
    return reply.headers({ allow: METHODS, dav: '1' }).code(200).send()
  }

  function serve(methods: string[], scope: Scope, answer: Answer): void {
    const config = { scope, stream: true }
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      const location = locationOf(request.raw.url ?? '')
      const workspace = await workspaces.find(request.actor, location.workspace)
      const { id, organisation } = workspace
      const { repository } = location
      const remote: Remote = { kind: 'dvc', workspace: id, organisation, repository }
      await asked.note(remote)
      return answer({ ...location, remote, request, reply })
    }
    app.route({ method: methods, url: '/dvc/*', config, schema: { hide: true }, handler })
  }

  app.addHttpMethod('PROPFIND', { hasBody: true }).addHttpMethod('MKCOL', { hasBody: true })
  serve(['GET', 'HEAD'], 'read', read)
  serve(['POST', 'PUT'], 'write', write)
  serve(['DELETE'], 'write', remove)
  serve(['PROPFIND'], 'read', list)
  serve(['MKCOL'], 'write', makeFolder)
  serve(['OPTIONS'], 'read', tell)
}

async function foundObject(dvc: Dvc, remote: Remote, { path, ...one }: DvcObject) {
  const { object } = await dvc.objects.look(remote, path)
  if (object === undefined) throw absent({ path, ...one })
  return { kind: 'file', path, object } as const
}

function notAllowed(reply: FastifyReply): FastifyReply {
  return reply.code(405).header('allow', METHODS).send()
}

function absent({ path }: DvcObject): KaosError {
  return new KaosError('NOT_FOUND', `the remote does not have ${path}; bring it with: dvc push`)
}
