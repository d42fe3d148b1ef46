/* Manifests as they are pushed: what they name, and whether they can be kept. Their bytes are never
 * changed: what is not known here stays in them. */
import { createHash } from 'node:crypto'
import { KaosError } from '../../api/errors.ts'
import { isBlobDigest } from '../blobs/blobs.ts'
import { depthOf } from '../plugins/bodies.ts'
import { manifestInvalid } from './refusals.ts'

export const IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json'
const ARTIFACT_MANIFEST = 'application/vnd.oci.artifact.manifest.v1+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

export const MANIFEST_MAX = 16 * 1024 * 1024
const DEPTH_MAX = 64
/** Others could be taken for a page by somebody's browser. */
const TYPE = /^application\/[a-z0-9][a-z0-9.+-]*\+json$|^application\/json$/i
/** Layers that may be elsewhere. */
const ELSEWHERE = /nondistributable|\.foreign\./

type Fields = { readonly [key: string]: unknown }

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

export interface Manifest {
  readonly bytes: Buffer
  readonly digest: string
  readonly mediaType: string
  /** For listings of referrers: its own, or an image's config's. */
  readonly artifactType: string | undefined
  readonly annotations: Fields | undefined
  readonly subject: string | undefined
  /** Have to be here. */
  readonly blobs: readonly Descriptor[]
  /** May be elsewhere. */
  readonly elsewhere: readonly Descriptor[]
  /** Of an index; have to be here. */
  readonly manifests: readonly Descriptor[]
}

/** MANIFEST_INVALID for what breaks a rule, DIGEST_MISMATCH when it is not what `digest` says. */
export function parseManifest(
  bytes: Buffer,
  contentType: string | undefined,
  digest: string | undefined,
): Manifest {
  const fields = fieldsIn(bytes)
  const mediaType = typeOf(fields, contentType)
  if (fields.schemaVersion !== 2 && mediaType !== ARTIFACT_MANIFEST) {
    throw manifestInvalid('is of a schema other than 2; push it with a newer client')
  }
  const blobs = [one(fields.config), many(fields.layers), many(fields.blobs)].flat()
  const manifests = many(fields.manifests)
  return {
    bytes,
    digest: requireDigest(bytes, digest),
    mediaType,
    artifactType: artifactTypeOf(fields, mediaType),
    annotations: isFields(fields.annotations) ? fields.annotations : undefined,
    subject: one(fields.subject)[0]?.digest,
    blobs: blobs.filter(blob => !blob.elsewhere),
    elsewhere: [...blobs, ...manifests].filter(blob => blob.elsewhere),
    manifests: manifests.filter(child => !child.elsewhere),
  }
}

/** What listings tell of a manifest that was kept. */
export function annotationsIn(bytes: Buffer): Fields | undefined {
  const { annotations } = fieldsIn(bytes)
  return isFields(annotations) ? annotations : undefined
}

export function descriptorsIn(bytes: Buffer): readonly Fields[] {
  const { manifests } = fieldsIn(bytes)
  return Array.isArray(manifests) ? manifests.filter(isFields) : []
}

export function isIndex(mediaType: string): boolean {
  return mediaType === IMAGE_INDEX || mediaType === DOCKER_LIST
}

function fieldsIn(bytes: Buffer): Fields {
  const text = bytes.toString('utf8')
  if (depthOf(text) > DEPTH_MAX) throw manifestInvalid(`is nested more than ${DEPTH_MAX} deep`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw manifestInvalid('is no JSON', cause)
  }
  if (isFields(value)) return value
  throw manifestInvalid('is no JSON object')
}

function typeOf(fields: Fields, contentType: string | undefined): string {
  const [stated] = (contentType ?? '').split(';').map(part => part.trim())
  const own = fields.mediaType
  if (own !== undefined && typeof own !== 'string') throw manifestInvalid('has a mediaType no text')
  if (stated && own && stated !== own) {
    throw manifestInvalid(`says it is ${own}, but was sent as ${stated}`)
  }
  const type = stated || own || (Array.isArray(fields.manifests) ? IMAGE_INDEX : IMAGE_MANIFEST)
  if (TYPE.test(type)) return type
  throw manifestInvalid(`was sent as ${type}; its type ends in +json`)
}

function artifactTypeOf(fields: Fields, mediaType: string): string | undefined {
  if (typeof fields.artifactType === 'string' && fields.artifactType !== '') {
    return fields.artifactType
  }
  const { config } = fields
  return isIndex(mediaType) || !isFields(config) ? undefined : String(config.mediaType)
}

type Found = Descriptor & { readonly elsewhere: boolean }

function many(value: unknown): Found[] {
  // Some clients write null for none.
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw manifestInvalid('has a list of descriptors that is no list')
  return value.map(descriptorIn)
}

function one(value: unknown): Found[] {
  return value === undefined || value === null ? [] : [descriptorIn(value)]
}

function descriptorIn(value: unknown): Found {
  const { mediaType, digest, size, urls } = isFields(value) ? value : {}
  if (typeof digest !== 'string' || !isBlobDigest(digest)) {
    throw manifestInvalid('names something without a valid digest')
  }
  if (!Number.isSafeInteger(size) || (size as number) < 0) {
    throw manifestInvalid(`gives no valid size for ${digest}`)
  }
  const type = typeof mediaType === 'string' ? mediaType : ''
  const elsewhere = ELSEWHERE.test(type) || (Array.isArray(urls) && urls.length > 0)
  return { mediaType: type, digest, size: size as number, elsewhere }
}

function requireDigest(bytes: Buffer, digest: string | undefined): string {
  const algorithm = digest?.split(':')[0] ?? 'sha256'
  const found = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
  if (digest === undefined || digest === found) return found
  const message = `the manifest is ${found}, not ${digest}; send it under its own digest`
  throw new KaosError('DIGEST_MISMATCH', message, { detail: { expected: digest, found } })
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
