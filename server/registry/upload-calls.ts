/* Uploads over HTTP: begin (or mount what another repository has), send, ask, finish, cancel. */
import type { FastifyReply } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import { metered } from '../transfer/quota.ts'
import { mount } from './mount.ts'
import { requireDigest } from './names.ts'
import { contentRangeOf, rangeHeader } from './ranges.ts'
import { type Call, ownerOf, type Place, type Registry, requireNotBuilt } from './room.ts'
import type { Algorithm } from './upload-records.ts'
import type { Body } from './uploads.ts'

export async function beginUpload(
  registry: Registry,
  call: Call,
  place: Place,
): Promise<FastifyReply> {
  const { request, reply, query } = call
  requireNotBuilt(place)
  await registry.parts.space.require(lengthOf(call))
  const owner = ownerOf(request, place)
  const wanted = query.get('mount')
  if (wanted !== null) {
    const digest = requireDigest(wanted)
    if (await mount(registry, request.actor, owner, digest, query.get('from'))) {
      return created(call, place, digest)
    }
  }
  const digest = query.get('digest')
  if (wanted === null && digest !== null) {
    requireDigest(digest)
    await incoming(registry, call, place, body => registry.uploads.take(owner, body, digest))
    return created(call, place, digest)
  }
  const { id } = await registry.uploads.open(owner, algorithmIn(query))
  return told(reply, place, id, 0).code(202).send()
}

export async function sendPart(
  registry: Registry,
  call: Call,
  place: Place,
  id: string,
): Promise<FastifyReply> {
  const { request, reply } = call
  const { uploads, parts } = registry
  const owner = ownerOf(request, place)
  await parts.space.require(lengthOf(call))
  const check = checkOf(call, place, id)
  const { offset } = await incoming(registry, call, place, body =>
    uploads.append(id, owner, body, check),
  )
  return told(reply, place, id, offset).code(202).send()
}

export async function finishUpload(
  registry: Registry,
  call: Call,
  place: Place,
  id: string,
): Promise<FastifyReply> {
  const { uploads, parts } = registry
  const owner = ownerOf(call.request, place)
  const digest = requireDigest(call.query.get('digest') ?? '')
  await parts.space.require(lengthOf(call))
  const check = checkOf(call, place, id)
  await incoming(registry, call, place, body => uploads.finish(id, owner, body, check, digest))
  return created(call, place, digest)
}

export async function askUpload(
  { uploads }: Registry,
  { request, reply }: Call,
  place: Place,
  id: string,
): Promise<FastifyReply> {
  const { offset } = await uploads.find(id, ownerOf(request, place))
  return told(reply, place, id, offset).code(204).send()
}

export async function cancelUpload(
  { uploads }: Registry,
  { request, reply }: Call,
  place: Place,
  id: string,
): Promise<FastifyReply> {
  await uploads.cancel(id, ownerOf(request, place))
  return reply.code(204).send()
}

/** Reads the body when it is its turn; none at all needs no turn. What comes counts for the workspace. */
function incoming<T>(
  { gate, parts }: Registry,
  call: Call,
  { ws }: Place,
  read: (body: Body) => Promise<T>,
): Promise<T> {
  const { headers, body, actor } = call.request
  if (headers['content-length'] === '0' || body === undefined || body === null) return read(NOTHING)
  const from = { workspace: ws, bytes: lengthOf(call) }
  return gate.pass(actor.id, body, steady => metered(parts.quotas, steady, from, read))
}

const NOTHING: Body = {
  async *[Symbol.asyncIterator]() {},
}

/** What the request says of the range it brings must go on where the upload stands. */
function checkOf(call: Call, place: Place, id: string): (offset: number) => void {
  const header = call.request.headers['content-range']
  const span = header === undefined ? undefined : contentRangeOf(header)
  if (header !== undefined && span === undefined) {
    throw new KaosError('RANGE_INVALID', `the Content-Range ${header} is not of the form 0-99`)
  }
  const length = lengthOf(call)
  if (span && length > 0 && length !== span.end - span.start) {
    const message = `the Content-Range ${header} does not fit a body of ${length} bytes`
    throw new KaosError('RANGE_INVALID', message)
  }
  return offset => {
    if (span === undefined || span.start === offset) return
    told(call.reply, place, id, offset)
    const message = `the upload goes on at byte ${offset}, not at ${span.start}`
    throw new KaosError('RANGE_INVALID', message, { detail: { offset } })
  }
}

function lengthOf({ request }: Call): number {
  return Number(request.headers['content-length'] ?? 0)
}

function algorithmIn(query: URLSearchParams): Algorithm {
  const asked = query.get('digest-algorithm') ?? 'sha256'
  if (asked === 'sha256' || asked === 'sha512') return asked
  throw new KaosError('DIGEST_INVALID', `${asked} is not known here; use sha256 or sha512`)
}

function created({ reply }: Call, { name }: Place, digest: string): FastifyReply {
  reply.headers({ location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest })
  return reply.code(201).send()
}

function told(reply: FastifyReply, { name }: Place, id: string, offset: number): FastifyReply {
  return reply.headers({
    location: `/v2/${name}/blobs/uploads/${id}`,
    range: rangeHeader(offset),
    'docker-upload-uuid': id,
  })
}
