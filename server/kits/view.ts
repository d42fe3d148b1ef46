/* An entity as a ModelKit, made when it is first pulled.
 *
 * Its bytes follow from facts alone: the entity, what it was made from, and the description that its
 * repository had when it was first pulled. That moment is a fact too (pointer kit/<ws>/<entity>), so
 * the view can be made again, byte for byte, by any server at any time. */
import { type Digest, digestOf } from '../../api/digest.ts'
import type { Node } from '../../graph/ledger.ts'
import { requireUnpurged } from '../care/purged.ts'
import { folderOf } from '../catalogue/names.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Workspace } from '../parts.ts'
import type { View, ViewBlob } from '../registry/hooks.ts'
import { type About, aboutOf } from './about.ts'
import { type Contents, contentsOf, type MadePart, type Part } from './contents.ts'
import { headOf, padding } from './head.ts'
import { KIT_CONFIG, type Kitfile, kitLayer } from './kitfile.ts'
import type { Layers } from './layers.ts'
import { descriptorOf, layerOf, makeManifest } from './manifest.ts'
import { modelPackOf } from './modelpack.ts'

export async function viewOf(
  layers: Layers,
  workspace: Workspace,
  repository: string,
  entity: Node,
): Promise<View | undefined> {
  const { ledger } = layers
  await requireUnpurged(layers, entity)
  const contents = await contentsOf(layers, entity)
  if (contents === undefined) return undefined
  const pointer = `kit/${workspace.id}/${entity.id}`
  const before = await pointerAt(ledger, pointer)
  const about = await aboutOf(ledger, workspace.id, repository, entity, before?.seq)
  const made: MadePart[] = []
  for (const part of contents.parts) made.push({ part, blob: await blobOf(layers, part) })
  const config = Buffer.from(JSON.stringify(kitfileOf(about, contents, made)))
  const manifest = makeManifest({
    config: descriptorOf(KIT_CONFIG, config),
    layers: made.map(({ part, blob }) => layerOf(kitLayer(part.kind), blob)),
  })
  const pack = modelPackOf(entity, about, made, manifest)
  const blobs: ViewBlob[] = [...made.map(one => one.blob), small(config), small(pack.config)]
  const isNew = before?.target !== manifest.digest
  return {
    manifest,
    referrers: [pack.manifest],
    blobs: [...new Map(blobs.map(blob => [blob.digest, blob])).values()],
    expect: [
      { pointer, target: before?.target ?? null },
      ...(before ? [] : [{ pointer: about.pointer, target: about.target }]),
    ],
    moves: isNew ? [{ pointer, target: manifest.digest }] : [],
  }
}

async function blobOf(layers: Layers, { path, content }: Part): Promise<ViewBlob> {
  if ('tree' in content) return layers.blob({ tree: content.tree, prefix: path })
  const { file, text } = content
  const bytes = Buffer.from(text)
  return small(
    Buffer.concat([
      headOf({ path, kind: 'folder', size: 0 }),
      headOf({ path: `${path}/${file}`, kind: 'file', size: bytes.length }),
      bytes,
      padding(bytes.length),
      Buffer.alloc(1024),
    ]),
  )
}

function small(bytes: Buffer): ViewBlob {
  return { digest: digestOf(bytes), size: bytes.length, bytes }
}

function kitfileOf(
  { title, description, licence, repository }: About,
  { parameters }: Contents,
  made: readonly MadePart[],
): Kitfile {
  const said = {
    ...(description && { description }),
    ...(licence && { license: licence }),
  }
  const of = (kind: Part['kind']) => made.filter(({ part }) => part.kind === kind)
  const [model] = of('model')
  const [parts, code, datasets] = [of('modelpart'), of('code'), of('dataset')]
  // What a model was made from has a description of its own.
  const own = model ? {} : said
  return {
    manifestVersion: '1.0.0',
    package: { name: title || folderOf(repository), ...said },
    ...(model && {
      model: {
        name: model.part.name,
        path: model.part.path,
        ...(licence && { license: licence }),
        ...(description && { description }),
        ...(parts.length > 0 && { parts: parts.map(partEntry) }),
        ...(Object.keys(parameters).length > 0 && { parameters }),
        ...infoOf(model),
      },
    }),
    ...(code.length > 0 && {
      code: code.map(one => ({ path: one.part.path, ...own, ...infoOf(one) })),
    }),
    ...(datasets.length > 0 && {
      datasets: datasets.map(one => {
        const { name, path } = one.part
        return { name, path, ...own, ...infoOf(one) }
      }),
    }),
  }
}

function partEntry(one: MadePart) {
  const { name, path } = one.part
  return { name, path, type: name, ...infoOf(one) }
}

function infoOf({ blob }: MadePart): { digest: Digest; diffId: Digest } {
  return { digest: blob.digest, diffId: blob.digest }
}
