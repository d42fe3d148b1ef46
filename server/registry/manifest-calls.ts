/* Manifests over HTTP: read, push, delete. */
import type { FastifyReply } from 'fastify'
import { KaosError } from '../../api/errors.ts'
import { requireTag } from '../catalogue/pointers.ts'
import { bounded } from '../transfer/bodies.ts'
import { accept } from './arrive.ts'
import { findManifest } from './find.ts'
import { bodyOf } from './gate.ts'
import { MANIFEST_MAX, type Manifest, parseManifest } from './manifest.ts'
import { manifestUnknown } from './refusals.ts'
import { removeManifest, removeTag } from './remove.ts'
import type { Call, Place, Registry } from './room.ts'

/** Of one push. */
const TAGS_MAX = 100
/** Manifests of so many bytes are taken at once. */
const SMALL = 256 * 1024

export async function readManifest(
  registry: Registry,
  { request, reply }: Call,
  place: Place,
  reference: string,
): Promise<FastifyReply> {
  const found = await findManifest(registry, place, reference)
  if (!found) throw manifestUnknown(reference)
  const bytes = await found.read()
  reply.headers({
    'docker-content-digest': found.digest,
    'content-type': found.mediaType,
    'content-length': bytes.length,
    etag: `"${found.digest}"`,
    // Whoever opens it in a browser sees text.
    'content-security-policy': 'sandbox',
  })
  if (request.headers['if-none-match'] === `"${found.digest}"`) return reply.code(304).send()
  return request.method === 'HEAD' ? reply.send() : reply.send(bytes)
}

export async function pushManifest(
  registry: Registry,
  call: Call,
  place: Place,
  reference: string,
): Promise<FastifyReply> {
  const { request, reply, query } = call
  const tags = tagsOf(reference, query)
  const read = (body: AsyncIterable<Uint8Array>) => take(registry, call, place, reference, body)
  const isSmall = Number(request.headers['content-length'] ?? MANIFEST_MAX) <= SMALL
  // Large ones are few at a time: each is held whole.
  const { digest, subject } = isSmall
    ? await read(bodyOf(request.body))
    : await registry.largeManifests.pass(request.actor.id, request.body, read)
  const location = `/v2/${place.name}/manifests/${digest}`
  reply.headers({ location, 'docker-content-digest': digest })
  if (subject !== undefined) reply.header('oci-subject', subject)
  if (query.has('tag')) reply.header('oci-tag', tags.join(', '))
  return reply.code(201).send()
}

async function take(
  registry: Registry,
  { request, query }: Call,
  place: Place,
  reference: string,
  body: AsyncIterable<Uint8Array>,
): Promise<Manifest> {
  const { actor, headers, host } = request
  const digest = reference.includes(':') ? reference : undefined
  const bytes = Buffer.concat(await Array.fromAsync(bounded(body, MANIFEST_MAX)))
  const manifest = parseManifest(bytes, headers['content-type'], digest)
  await accept(registry, { actor, place, manifest, tags: tagsOf(reference, query), host })
  return manifest
}

export async function deleteManifest(
  registry: Registry,
  { request, reply }: Call,
  place: Place,
  reference: string,
): Promise<FastifyReply> {
  if (reference.includes(':')) await removeManifest(registry, request.actor, place, reference)
  else await removeTag(registry, request.actor, place, reference)
  return reply.code(202).send()
}

/** The tags that a manifest is to have: in the path, or with a digest there as parameters. */
function tagsOf(reference: string, query: URLSearchParams): string[] {
  const own = reference.includes(':') ? [] : [reference]
  const tags = [...new Set([...own, ...query.getAll('tag')])].map(requireTag)
  if (tags.length <= TAGS_MAX) return tags
  throw new KaosError('TOO_MANY_TAGS', `a push moves at most ${TAGS_MAX} tags; push it again`)
}
