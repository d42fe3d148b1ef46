/* Layers by their recipe: what each is called (its sha256) is learnt once, by reading all of it, and
 * kept in a record (kit-layer/<tree>/<hash of the prefix>). Losing it costs another reading. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { type Digest, digestOf, hexOf, isDigest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { requireComplete } from '../../store/trees.ts'
import type { Views } from '../blobs/blobs.ts'
import { recordAt } from '../ledger-reads.ts'
import type { People } from '../parts.ts'
import type { Rooms } from '../rooms.ts'
import { type Extent, type Layer, measureLayer, readLayer } from './layer.ts'

const KEPT_MS = 365 * 24 * 3600_000

export interface LayerBlob extends Extent {
  readonly view: { readonly tree: string; readonly prefix: string; readonly size: number }
}

export interface Layers {
  readonly ledger: Ledger
  readonly store: Store
  readonly people: People
  blob(layer: Layer): Promise<LayerBlob>
  readonly views: Views
}

export function openLayers(rooms: Pick<Rooms, 'ledger' | 'store' | 'people' | 'now'>): Layers {
  const { ledger, store, people, now } = rooms
  const underway = new Map<string, Promise<Extent>>()

  async function extentOf(layer: Layer, key: string): Promise<Extent> {
    const known = await recordAt(ledger, key)
    if (known) return known.value as unknown as Extent
    const extent = await measureLayer(store, layer)
    const records = [{ key, value: { ...extent }, expires: now() + KEPT_MS }]
    await ledger.commit({ actor: people.system.id, organisation: DEFAULT_ORGANISATION, records })
    return extent
  }

  return {
    ledger,
    store,
    people,
    async blob(layer) {
      const key = `kit-layer/${hexOf(layer.tree)}/${hexOf(digestOf(layer.prefix))}`
      // Several pulls at once read it once.
      const reading = underway.get(key) ?? extentOf(layer, key)
      underway.set(key, reading)
      try {
        const { digest, size } = await reading
        return { digest, size, view: { tree: layer.tree, prefix: layer.prefix, size } }
      } finally {
        underway.delete(key)
      }
    },
    async views({ tree, prefix, size }) {
      if (!isDigest(tree) || typeof prefix !== 'string' || typeof size !== 'number')
        return undefined
      if (!(await isHere(store, tree))) return undefined
      return {
        size,
        read: (start = 0, end = size) => readLayer(store, { tree, prefix }, { start, end }),
      }
    },
  }
}

/** Where something is known to be damaged, all of the tree is looked at: a layer that cannot be read
 * is said to be missing, so that whoever has it sends it again. */
async function isHere(store: Store, tree: Digest): Promise<boolean> {
  const [here] = await store.has([tree])
  if (!here || (await store.damaged()) === 0) return here === true
  try {
    await requireComplete(store, tree)
    return true
  } catch (error) {
    if (isKaosError(error, 'BAD_REQUEST')) return false
    throw error
  }
}
