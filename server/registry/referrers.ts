/* What refers to a manifest: signatures, attestations, other forms. Those that were pushed with it as
 * their subject, and those that an older client listed in the tag that it made for that. */
import type { FastifyReply } from 'fastify'
import { attachAttestations } from '../attestations/attached.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { pointersBelow } from '../catalogue/versions.ts'
import { findManifest } from './find.ts'
import { annotationsIn, descriptorsIn, IMAGE_INDEX, isIndex } from './manifest.ts'
import type { Call, Place, Registry } from './room.ts'

/** Of a page. */
const ENTRIES_MAX = 100
const TEXT_MAX = 2 * 1024 * 1024

interface Descriptor {
  readonly digest: string
  readonly artifactType?: unknown
}

export async function listReferrers(
  registry: Registry,
  { reply, query }: Call,
  place: Place,
  subject: string,
): Promise<FastifyReply> {
  const wanted = query.get('artifactType')
  const last = query.get('last') ?? ''
  const listed = await fallbackOf(registry, place, subject)
  await attachAttestations(registry, place, subject)
  const pushed = await pushedWith(registry, place, subject)
  const digests = [...new Set([...pushed, ...listed.keys()])].filter(one => one > last).sort()
  const manifests: Descriptor[] = []
  let text = 0
  let next: string | undefined
  for (const digest of digests) {
    const own = pushed.has(digest) ? await describe(registry, place, digest) : undefined
    const one = own ?? listed.get(digest)
    if (one === undefined || (wanted && one.artifactType !== wanted)) continue
    const length = JSON.stringify(one).length
    if (manifests.length > 0 && (manifests.length === ENTRIES_MAX || text + length > TEXT_MAX)) {
      next = manifests.at(-1)?.digest
      break
    }
    manifests.push(one)
    text += length
  }
  if (wanted) reply.header('oci-filters-applied', 'artifactType')
  if (next !== undefined) reply.header('link', linkTo(place, subject, wanted, next))
  const index = { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests }
  return reply.header('content-type', IMAGE_INDEX).send(Buffer.from(JSON.stringify(index)))
}

async function pushedWith(
  { parts: { ledger } }: Registry,
  { ws, repository }: Place,
  subject: string,
): Promise<Set<string>> {
  const prefix = pointerOf.referrer(ws, repository, subject, '')
  const names = await Array.fromAsync(pointersBelow(ledger, prefix), ({ name }) => name)
  return new Set(names.map(name => name.slice(prefix.length)))
}

async function describe(
  registry: Registry,
  place: Place,
  digest: string,
): Promise<Descriptor | undefined> {
  const found = await findManifest(registry, place, digest)
  if (!found) return undefined
  const { mediaType, size, artifactType } = found
  const annotations = annotationsIn(await found.read())
  return {
    ...{ mediaType, digest, size },
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations && { annotations }),
  }
}

/** By digest. */
async function fallbackOf(
  registry: Registry,
  place: Place,
  subject: string,
): Promise<Map<string, Descriptor>> {
  const [algorithm = '', hex = ''] = subject.split(':')
  const tag = `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`
  const found = await findManifest(registry, place, tag)
  if (!found || !isIndex(found.mediaType)) return new Map()
  const listed = descriptorsIn(await found.read()) as readonly unknown[] as Descriptor[]
  return new Map(listed.filter(isDescriptor).map(one => [one.digest, one]))
}

function isDescriptor({ digest }: { digest: unknown }): boolean {
  return typeof digest === 'string'
}

function linkTo({ name }: Place, subject: string, wanted: string | null, last: string): string {
  const query = new URLSearchParams({ ...(wanted && { artifactType: wanted }), last })
  return `</v2/${name}/referrers/${subject}?${query}>; rel="next"`
}
