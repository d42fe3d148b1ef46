/* Which unpacked layers make one thing of the catalogue. A model is its layer with those of its parts
 * that lie in the same folder (the files of a model often are a layer each); everything else in a
 * ModelKit is by itself. A ModelPack has a layer for each file, so those of a kind belong together. */
import type { Digest } from '../../api/digest.ts'
import type { Json } from '../../graph/ledger.ts'
import { HYPERPARAMETERS } from './contents.ts'
import type { KitKind } from './kitfile.ts'
import type { NotedStore } from './noted.ts'
import { type Form, folderOf } from './packing.ts'
import { merged, narrowed, type Unpacked } from './unpack.ts'

export type UnitKind = 'model' | 'data' | 'source'

/** A layer of the manifest, and what its record can say instead of keeping its bytes. */
export interface Recipe {
  readonly digest: string
  readonly size: number
  readonly view: { readonly tree: Digest; readonly prefix: string; readonly size: number }
}

export interface Unit {
  readonly kind: UnitKind
  /** How it is told from the others: the name or path in the Kitfile. */
  readonly name: string
  readonly path: string
  readonly tree: Digest
  readonly says: Readonly<Record<string, Json>>
  /** When it is one layer whose bytes can be made of the tree again. */
  readonly recipe: Recipe | undefined
}

export async function unitsOf(
  store: NotedStore,
  form: Form,
  unpacked: readonly Unpacked[],
): Promise<Unit[]> {
  const of = (kind: KitKind) => unpacked.filter(({ packed }) => packed.kind === kind)
  const models = of('model')
  const base = commonFolder(models.map(one => one.folder))
  const parts = of('modelpart')
  const within = models.length === 0 ? [] : parts.filter(one => lies(one.packed.path, base))
  const beside = parts.filter(one => !within.includes(one) && one.packed.type !== HYPERPARAMETERS)
  const units: Unit[] = []
  async function add(kind: UnitKind, layers: readonly Unpacked[]): Promise<void> {
    if (layers.length > 0) units.push(await unitOf(store, kind, layers))
  }
  await add('model', [...models, ...within])
  if (form === 'modelpack') {
    await add('source', of('code'))
    await add('data', of('dataset'))
    return units
  }
  for (const one of beside) await add('model', [one])
  for (const one of of('code')) await add('source', [one])
  for (const one of of('dataset')) await add('data', [one])
  return units
}

async function unitOf(
  store: NotedStore,
  kind: UnitKind,
  layers: readonly Unpacked[],
): Promise<Unit> {
  const [first] = layers as [Unpacked]
  const base = commonFolder(layers.map(one => one.folder))
  const whole = await merged(
    store,
    layers.map(one => one.tree),
  )
  const layer = await narrowed(store, whole, base)
  const { digest, size } = first.packed
  const isMade = layers.length === 1 && first.isPlain
  return {
    kind,
    name: first.packed.name,
    path: base,
    tree: layer.tree,
    says: first.packed.says,
    recipe: isMade ? { digest, size, view: { ...layer, size } } : undefined,
  }
}

/** The deepest folder that all of these are, or lie in. */
export function commonFolder(folders: readonly string[]): string {
  const [first = '', ...others] = folders
  let common = first
  while (common !== '' && !others.every(one => one === common || lies(one, common))) {
    common = folderOf(common)
  }
  return common
}

function lies(path: string, folder: string): boolean {
  return folder === '' || path.startsWith(`${folder}/`)
}
