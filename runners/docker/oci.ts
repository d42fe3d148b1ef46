/* The OCI image layout that a built image is kept as: `oci-layout`, `index.json` and blobs by
 * digest. The manifest is ours, written always the same way, so one image has one manifest digest. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, hexOf, isDigest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar'

export type Compression = 'none' | 'gzip' | 'zstd'

/** One file of an image: how it is named and how long it is. */
export interface Blob {
  readonly digest: Digest
  readonly size: number
}

export interface Layer extends Blob {
  readonly compression: Compression
}

export interface Layout {
  readonly manifest: Digest
  readonly config: Digest
  readonly layers: readonly Digest[]
  /** Digests of the uncompressed layers, as the config lists them. */
  readonly diffIds: readonly Digest[]
}

export function manifestOf(config: Blob, layers: readonly Layer[]): Buffer {
  return json({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.size },
    layers: layers.map(layer => ({
      mediaType: layer.compression === 'none' ? LAYER_TYPE : `${LAYER_TYPE}+${layer.compression}`,
      digest: layer.digest,
      size: layer.size,
    })),
  })
}

export function indexOf(manifest: Blob): Buffer {
  const entry = { mediaType: MANIFEST_TYPE, digest: manifest.digest, size: manifest.size }
  return json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [entry] })
}

/** Where the layout keeps a blob. */
export function blobPath(folder: string, digest: Digest): string {
  return join(folder, 'blobs', 'sha256', hexOf(digest))
}

/** The digests of the uncompressed layers that an image's config lists. */
export function diffIdsOf(config: string): Digest[] {
  const found = (JSON.parse(config) as { rootfs?: { diff_ids?: unknown } }).rootfs?.diff_ids
  return Array.isArray(found) ? found.filter(isDigest) : []
}

/** Writes manifest, index and marker beside blobs that are already there; answers the manifest. */
export async function sealLayout(folder: string, config: Blob, layers: readonly Layer[]) {
  const manifest = manifestOf(config, layers)
  const digest = digestOf(manifest)
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  await writeFile(blobPath(folder, digest), manifest)
  await writeFile(join(folder, 'index.json'), indexOf({ digest, size: manifest.length }))
  await writeFile(join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
  return digest
}

/** Reads a layout; its manifest and config are what their digests say. */
export async function readLayout(folder: string): Promise<Layout> {
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
  const manifest = digestIn(folder, index?.manifests?.[0]?.digest)
  const parsed = JSON.parse(await readBlob(folder, manifest))
  const config = digestIn(folder, parsed?.config?.digest)
  const listed: unknown[] = Array.isArray(parsed?.layers) ? parsed.layers : []
  const layers = listed.map(layer => digestIn(folder, (layer as { digest?: unknown })?.digest))
  return { manifest, config, layers, diffIds: diffIdsOf(await readBlob(folder, config)) }
}

async function readBlob(folder: string, digest: Digest): Promise<string> {
  const bytes = await readFile(blobPath(folder, digest))
  if (digestOf(bytes) !== digest) throw damaged(folder, `the blob ${digest} has other bytes`)
  return bytes.toString('utf8')
}

function digestIn(folder: string, found: unknown): Digest {
  if (!isDigest(found)) throw damaged(folder, 'a digest is missing')
  return found
}

function damaged(folder: string, what: string): KaosError {
  const message = `the image layout in ${folder} is damaged: ${what}; build the image again`
  return new KaosError('OBJECT_DAMAGED', message)
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
