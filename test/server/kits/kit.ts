/* Kits as kit 1.7.0 packs them: the same archives, the same Kitfile as JSON, the same manifest, byte
 * for byte. */
import { createHash } from 'node:crypto'
import { BLOCK, headOf, padding } from '../../../server/kits/head.ts'
import type { KitKind } from '../../../server/kits/kitfile.ts'

export type Files = Readonly<Record<string, string | Buffer>>

export interface LayerOrder {
  readonly kind: KitKind
  /** Of the Kitfile's entry. */
  readonly path: string
  readonly name?: string
  readonly description?: string
  readonly type?: string
  /** Below `path`; with the one name '' the path itself is the file. */
  readonly files: Files
}

export interface KitOrder {
  readonly package?: Readonly<Record<string, string>>
  /** Of the model's entry, besides what its layer says. */
  readonly model?: Readonly<Record<string, unknown>>
  readonly layers: readonly LayerOrder[]
}

export interface Kit {
  readonly manifest: Buffer
  readonly digest: string
  /** The config and the layers, by digest. */
  readonly blobs: ReadonlyMap<string, Buffer>
  readonly layers: readonly string[]
}

export function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export function packKit({ package: pack, model, layers }: KitOrder): Kit {
  const blobs = new Map<string, Buffer>()
  const keep = (bytes: Buffer) => {
    const digest = sha256(bytes)
    blobs.set(digest, bytes)
    return { digest, size: bytes.length }
  }
  const packed = layers.map(layer => ({ layer, ...keep(archiveOf(layer)) }))
  const entries = (kind: KitKind) =>
    packed
      .filter(one => one.layer.kind === kind)
      .map(({ layer: { name, path, type, description }, digest }) => {
        return { name, path, type, description, digest, diffId: digest }
      })
  const listed = (kind: KitKind) => (entries(kind).length > 0 ? entries(kind) : undefined)
  const [own] = entries('model')
  const { digest, diffId, ...named } = own ?? {}
  const kitfile = {
    manifestVersion: '1.0.0',
    package: pack ?? {},
    ...((own || model) && {
      model: { ...named, ...model, parts: listed('modelpart'), digest, diffId },
    }),
    code: listed('code'),
    datasets: listed('dataset'),
    docs: listed('docs'),
  }
  const config = keep(Buffer.from(JSON.stringify(kitfile)))
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.kitops.modelkit.config.v1+json', ...config },
      layers: packed.map(one => ({
        mediaType: `application/vnd.kitops.modelkit.${one.layer.kind}.v1.tar`,
        digest: one.digest,
        size: one.size,
      })),
      annotations: { 'ml.kitops.modelkit.cli-version': 'unknown' },
    }),
  )
  return { manifest, digest: sha256(manifest), blobs, layers: packed.map(one => one.digest) }
}

/** Folders before what lies in them, all by the bytes of their names. */
export function archiveOf({ path, files }: Pick<LayerOrder, 'path' | 'files'>): Buffer {
  const all = new Map<string, Buffer | undefined>()
  for (const [name, content] of Object.entries(files)) {
    const names = `${path}/${name}`.split('/').filter(one => one !== '')
    for (const depth of names.slice(1).keys())
      all.set(names.slice(0, depth + 1).join('/'), undefined)
    all.set(names.join('/'), Buffer.from(content))
  }
  const key = (one: string) => Buffer.from(one.replaceAll('/', '\0'))
  const sorted = [...all].sort(([a], [b]) => Buffer.compare(key(a), key(b)))
  const parts = sorted.map(([name, content]) => {
    if (content === undefined) return headOf({ path: name, kind: 'folder', size: 0 })
    const kind = content.subarray(0, 2).toString() === '#!' ? 'executable' : 'file'
    const head = headOf({ path: name, kind, size: content.length })
    return Buffer.concat([head, content, padding(content.length)])
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}
