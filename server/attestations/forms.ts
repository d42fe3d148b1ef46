/* A signed statement as OCI artifacts that refer to what it is about, in the two forms that tools look
 * for: the plain DSSE envelope, and the bundle of sigstore, which cosign reads. Their bytes follow from
 * envelope and subject alone. */
import type { Envelope } from '../../api/attestation.ts'
import { ENVELOPE_TYPE, envelopeBytes, PAYLOAD_TYPE } from '../../api/attestation.ts'
import { type Digest, digestOf } from '../../api/digest.ts'
import { IMAGE_MANIFEST } from '../registry/manifest.ts'

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json'
const EMPTY = Buffer.from('{}')

export interface OciSubject {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

export interface Form {
  readonly artifactType: string
  readonly digest: Digest
  readonly manifest: Buffer
  /** Config and layer. */
  readonly blobs: readonly Buffer[]
}

export function formsOf(
  envelope: Envelope,
  about: { readonly predicateType: string; readonly kid: string; readonly at: string },
  subject: OciSubject,
): Form[] {
  const { at, kid, predicateType } = about
  const created = { 'org.opencontainers.image.created': at }
  return [
    formOf(PAYLOAD_TYPE, ENVELOPE_TYPE, envelopeBytes(envelope), subject, {
      'in-toto.io/predicate-type': predicateType,
      predicateType,
      ...created,
    }),
    formOf(BUNDLE_TYPE, BUNDLE_TYPE, bundleOf(envelope, kid), subject, {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': predicateType,
      ...created,
    }),
  ]
}

/** Without keyid, which cosign takes for an SSH fingerprint; it is not part of what is signed. */
function bundleOf({ payload, payloadType, signatures }: Envelope, kid: string): Buffer {
  const bare = signatures.map(({ sig }) => ({ sig }))
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_TYPE,
      verificationMaterial: { publicKey: { hint: kid }, tlogEntries: [] },
      dsseEnvelope: { payload, payloadType, signatures: bare },
    }),
  )
}

function formOf(
  artifactType: string,
  layerType: string,
  layer: Buffer,
  subject: OciSubject,
  annotations: Record<string, string>,
): Form {
  const descriptor = (mediaType: string, bytes: Buffer) => {
    return { mediaType, digest: digestOf(bytes), size: bytes.length }
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      artifactType,
      config: descriptor(EMPTY_TYPE, EMPTY),
      layers: [descriptor(layerType, layer)],
      subject,
      annotations,
    }),
  )
  return { artifactType, digest: digestOf(manifest), manifest, blobs: [EMPTY, layer] }
}
