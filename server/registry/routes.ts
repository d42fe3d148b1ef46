/* The OCI registry (distribution-spec 1.1) below /v2/. Paths are read raw and from their end, so one
 * wildcard route for each method leads here; what is done is told by method and target. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Scope } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { nothingAt } from '../plugins/errors.ts'
import type { Rooms } from '../rooms.ts'
import { deleteBlob, readBlobCall } from './blob-calls.ts'
import { openGate } from './gate.ts'
import { listRepositories, listTags } from './lists.ts'
import { deleteManifest, pushManifest, readManifest } from './manifest-calls.ts'
import { type Name, parseTarget, type Target } from './names.ts'
import { listReferrers } from './referrers.ts'
import { API_HEADERS } from './refusals.ts'
import { type Call, type Place, placeOf, type Registry } from './room.ts'
import { askUpload, beginUpload, cancelUpload, finishUpload, sendPart } from './upload-calls.ts'
import { Uploads } from './uploads.ts'

interface Options {
  readonly rooms: Rooms
}

const SCOPES = {
  GET: 'read',
  HEAD: 'read',
  POST: 'write',
  PUT: 'write',
  PATCH: 'write',
  DELETE: 'write',
} as const satisfies Record<string, Scope>

export async function registryRoutes(app: FastifyInstance, options: Options): Promise<void> {
  const { rooms: parts } = options
  const registry: Registry = {
    parts,
    uploads: new Uploads(parts),
    gate: openGate(),
    largeManifests: openGate({ atOnce: 4 }),
  }
  // Bytes are taken as they come, whatever they are called: digests are over them.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  for (const [method, scope] of Object.entries(SCOPES)) {
    for (const url of ['/v2', '/v2/*']) {
      app.route({
        method,
        url,
        config: { scope, stream: true },
        schema: { hide: true },
        handler: (request, reply) => answer(registry, request, reply.headers(API_HEADERS)),
      })
    }
  }
}

async function answer(
  registry: Registry,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { method, url } = request
  const target = parseTarget(url)
  if (!target) throw nothingAt(method, url)
  const call = { request, reply, query: new URLSearchParams(url.split('?')[1] ?? '') }
  const run = answerOf(target, method === 'HEAD' ? 'GET' : method)
  if (!run) throw new KaosError('UNSUPPORTED', `${method} means nothing at ${url.split('?')[0]}`)
  return run(registry, call)
}

type Run = (registry: Registry, call: Call) => Promise<FastifyReply>

/** What is done for a target; undefined for a method that it does not have. */
function answerOf(target: Target, method: string): Run | undefined {
  const isGet = method === 'GET'
  switch (target.kind) {
    case 'base':
      return isGet ? async (_, { reply }) => json(reply, {}) : undefined
    case 'catalog':
      return isGet ? listRepositories : undefined
    case 'extensions':
      return isGet ? (registry, call) => listExtensions(registry, call, target.name) : undefined
    case 'uploads':
      return within(target.name, method === 'POST' ? beginUpload : undefined)
    case 'tags':
      return within(target.name, isGet ? listTags : undefined)
    case 'referrers':
      return within(target.name, isGet ? listReferrers : undefined, target.digest)
    case 'blob':
      return within(target.name, BLOB[method], target.digest)
    case 'upload':
      return within(target.name, UPLOAD[method], target.upload)
    case 'manifest':
      return within(target.name, MANIFEST[method], target.reference)
  }
}

type Within = (registry: Registry, call: Call, place: Place, what: string) => Promise<FastifyReply>

function within(name: Name, run: Within | undefined, what: string = ''): Run | undefined {
  if (!run) return undefined
  return async (registry, call) => {
    return run(registry, call, await placeOf(registry, call.request, name), what)
  }
}

type Calls = { readonly [method: string]: Within }
const BLOB: Calls = { GET: readBlobCall, DELETE: deleteBlob }
const MANIFEST: Calls = { GET: readManifest, PUT: pushManifest, DELETE: deleteManifest }
const UPLOAD: Calls = {
  GET: askUpload,
  PATCH: sendPart,
  PUT: finishUpload,
  DELETE: cancelUpload,
}

async function listExtensions(
  registry: Registry,
  { request, reply }: Call,
  name: Name | undefined,
): Promise<FastifyReply> {
  if (name) await placeOf(registry, request, name)
  return json(reply, { extensions: [] })
}

function json(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json').send(JSON.stringify(value))
}
