/* The OCI manifests that are made and read here. */
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Digest, digestOf } from '../../api/digest.ts'
import type { ViewBlob, ViewManifest } from '../registry/hooks.ts'
import { jsonIn } from './kitfile.ts'
import { refused } from './refused.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

const Descriptor = Type.Object({
  mediaType: Type.String(),
  digest: Type.String(),
  size: Type.Integer({ minimum: 0 }),
  annotations: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
})
export type Descriptor = Static<typeof Descriptor>

const Manifest = Type.Object({
  artifactType: Type.Optional(Type.String()),
  config: Descriptor,
  layers: Type.Optional(Type.Union([Type.Array(Descriptor), Type.Null()])),
})
export type Manifest = Static<typeof Manifest>

const checker = Compile(Manifest)

/** Undefined when it is not of the form of an image manifest: an index, something of the future. */
export function manifestIn(bytes: Buffer): Manifest | undefined {
  const value = jsonIn(bytes, 'the manifest')
  return checker.Check(value) ? value : undefined
}

/** A blob of this media type that is to be named by a manifest. */
export function descriptorOf(mediaType: string, bytes: Buffer): Descriptor & { digest: Digest } {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

export function layerOf(mediaType: string, { digest, size }: ViewBlob): Descriptor {
  return { mediaType, digest, size }
}

interface Making {
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: ViewManifest
}

/** Its bytes are the same for the same content, whatever else changes. */
export function makeManifest({ artifactType, config, layers, subject }: Making): ViewManifest {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      ...(artifactType && { artifactType }),
      config,
      layers,
      ...(subject && { subject: descriptorOf(subject.mediaType, subject.bytes) }),
    }),
  )
  return {
    mediaType: OCI_MANIFEST,
    digest: digestOf(bytes),
    bytes,
    artifactType: artifactType ?? config.mediaType,
    ...(subject && { subject: subject.digest }),
  }
}

/** A descriptor's bytes, of which there may not be too many. */
export async function smallBlob(
  { digest, size }: Descriptor,
  most: number,
  open: (digest: string) => AsyncIterable<Uint8Array>,
): Promise<Buffer> {
  if (size > most) throw refused(`its config has ${size} bytes; ${most} are the most`)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of open(digest)) {
    length += part.length
    if (length > most) throw refused(`its config has over ${most} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}
