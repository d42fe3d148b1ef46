/* The same content as a ModelPack (CNCF model-spec): another manifest and config over the layers of
 * the ModelKit, which it refers to. */
import type { Node } from '../../graph/ledger.ts'
import { folderOf } from '../catalogue/names.ts'
import type { ViewManifest } from '../registry/hooks.ts'
import type { About } from './about.ts'
import type { MadePart } from './contents.ts'
import type { KitKind } from './kitfile.ts'
import { descriptorOf, layerOf, makeManifest } from './manifest.ts'

export const PACK_TYPE = 'application/vnd.cncf.model.manifest.v1+json'
export const PACK_CONFIG = 'application/vnd.cncf.model.config.v1+json'
export const PATH_KEYS = ['org.cncf.model.filepath', 'org.cnai.model.filepath'] as const

export const TITLE_KEY = 'org.opencontainers.image.title'

const KINDS: Readonly<Record<KitKind, string>> = {
  model: 'weight',
  modelpart: 'weight.config',
  dataset: 'dataset',
  code: 'code',
  docs: 'doc',
}

export function modelPackOf(
  entity: Node,
  { title, description, licence, repository }: About,
  made: readonly MadePart[],
  subject: ViewManifest,
): { manifest: ViewManifest; config: Buffer } {
  const config = Buffer.from(
    JSON.stringify({
      descriptor: {
        createdAt: entity.at,
        name: folderOf(repository),
        ...(title && { title }),
        ...(description && { description }),
        ...(licence && { licenses: [licence] }),
      },
      modelfs: { type: 'layers', diffIds: made.map(({ blob }) => blob.digest) },
      config: {},
    }),
  )
  const manifest = makeManifest({
    artifactType: PACK_TYPE,
    config: descriptorOf(PACK_CONFIG, config),
    layers: made.map(({ part, blob }) => ({
      ...layerOf(`application/vnd.cncf.model.${KINDS[part.kind]}.v1.tar`, blob),
      // oras lays out what has a title.
      annotations: { [PATH_KEYS[0]]: part.path, [TITLE_KEY]: `${part.path}.tar` },
    })),
    subject,
  })
  return { manifest, config }
}
