/* What a manifest packs: the layers of a ModelKit with what its Kitfile says of them, or those of a
 * ModelPack, in one form. */
import type { Json } from '../../graph/ledger.ts'
import type { Compression } from './inflate.ts'
import { KIT_CONFIG, type Kitfile, type KitKind, kitfileIn } from './kitfile.ts'
import type { Descriptor, Manifest } from './manifest.ts'
import { PACK_CONFIG, PACK_TYPE, PATH_KEYS, TITLE_KEY } from './modelpack.ts'
import { refused } from './refused.ts'
import { cleanPath } from './untar.ts'

export type Form = 'modelkit' | 'modelpack'

export interface PackedLayer {
  readonly kind: KitKind
  readonly digest: string
  readonly size: number
  readonly compression: Compression
  /** A single file instead of an archive. */
  readonly raw: boolean
  /** Of the folder or file that is packed, in the kit's folder; '' is the folder itself. */
  readonly path: string
  /** What the names in the archive lack in front. */
  readonly below: string
  readonly name: string
  readonly type: string | undefined
  /** For the entity that it becomes. */
  readonly says: Readonly<Record<string, Json>>
}

const LAYERS_MAX = 5000
const KIT_LAYER =
  /^application\/vnd\.kitops\.modelkit\.(model|modelpart|dataset|code|docs)\.v1\.tar(?:\+(gzip|zstd))?$/
const PACK_LAYER =
  /^application\/vnd\.(?:cncf|cnai)\.model\.(weight|weight\.config|layer|dataset|code|doc)\.v1\.(raw|tar)(?:\+(gzip|zstd))?$/
const PACK_KINDS: Readonly<Record<string, KitKind>> = {
  weight: 'model',
  layer: 'model',
  'weight.config': 'modelpart',
  dataset: 'dataset',
  code: 'code',
  doc: 'docs',
}

/** Undefined for what is neither. `cnai` is what ModelPack was called before. */
export function formOf({ artifactType, config }: Manifest): Form | undefined {
  if (config.mediaType === KIT_CONFIG) return 'modelkit'
  const names = [artifactType, config.mediaType].map(one => one?.replace('vnd.cnai.', 'vnd.cncf.'))
  return names.includes(PACK_TYPE) || names.includes(PACK_CONFIG) ? 'modelpack' : undefined
}

export function packedLayers(form: Form, manifest: Manifest, config: Buffer): PackedLayer[] {
  const layers = manifest.layers ?? []
  if (layers.length > LAYERS_MAX) throw refused(`it has over ${LAYERS_MAX} layers`)
  if (form === 'modelpack') return layers.flatMap(packLayer)
  return kitLayers(kitfileIn(config), layers)
}

/** As kit pairs them: the first code layer is the first entry under `code`, and so on. */
function kitLayers(kitfile: Kitfile, layers: readonly Descriptor[]): PackedLayer[] {
  const entries = entriesOf(kitfile)
  return layers.flatMap(({ mediaType, digest, size }) => {
    const [, kind, compression = 'none'] = KIT_LAYER.exec(mediaType) ?? []
    if (kind === undefined) return []
    const entry = entries[kind as KitKind].shift()
    if (entry === undefined) throw refused(`the Kitfile has no entry for a layer of type ${kind}`)
    const path = cleanPath(entry.path ?? '.')
    // Before layers had their digests in the Kitfile, names began with the last part of the path.
    const old = entry.digest === undefined && entry.diffId === undefined
    const { name, type, path: _, digest: __, diffId: ___, parts: ____, ...says } = entry
    return {
      kind: kind as KitKind,
      digest,
      size,
      compression: compression as Compression,
      raw: false,
      path,
      below: old ? folderOf(path) : '',
      name: name || path || kind,
      type,
      says: says as Record<string, Json>,
    }
  })
}

interface KitEntry {
  readonly path?: string
  readonly name?: string
  readonly type?: string
  readonly digest?: string
  readonly diffId?: string
  readonly parts?: unknown
}

function entriesOf({ model, code, datasets, docs }: Kitfile): Record<KitKind, KitEntry[]> {
  return {
    model: model ? [model] : [],
    modelpart: [...(model?.parts ?? [])],
    code: [...(code ?? [])],
    dataset: [...(datasets ?? [])],
    docs: [...(docs ?? [])],
  }
}

function packLayer({ mediaType, digest, size, annotations }: Descriptor): PackedLayer[] {
  const [, word, form, compression = 'none'] = PACK_LAYER.exec(mediaType) ?? []
  const kind = PACK_KINDS[word ?? '']
  if (kind === undefined) return []
  const key = PATH_KEYS.find(one => annotations?.[one] !== undefined)
  const named = key ? annotations?.[key] : annotations?.[TITLE_KEY]
  const path = cleanPath(named ?? '.')
  if (form === 'raw' && path === '') throw refused(`the layer ${digest} has no ${PATH_KEYS[0]}`)
  return [
    {
      kind,
      digest,
      size,
      compression: compression as Compression,
      raw: form === 'raw',
      path,
      below: '',
      name: path || kind,
      type: undefined,
      says: {},
    },
  ]
}

/** The folder that a path lies in; '' for the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}
