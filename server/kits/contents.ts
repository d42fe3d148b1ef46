/* What belongs into the ModelKit of an entity: the entity itself, and of a model that was trained here
 * also what it was trained with, as the ledger knows it. */
import type { Digest } from '../../api/digest.ts'
import { parseGrid, pointFile } from '../../api/grid.ts'
import type { Graph, Json, Ledger, Node, Relation } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { readSmallFile } from '../../store/trees.ts'
import { isPurged } from '../care/purged.ts'
import { find } from '../provenance/train.ts'
import type { ViewBlob } from '../registry/hooks.ts'
import type { KitKind } from './kitfile.ts'

export interface Part {
  readonly kind: KitKind
  readonly name: string
  /** Folder of the archive that it lies in. */
  readonly path: string
  readonly content:
    | { readonly tree: Digest }
    /** A single file, not kept as one: it is made of what the ledger says. */
    | { readonly file: string; readonly text: string }
}

/** A part with the layer that holds it. */
export interface MadePart {
  readonly part: Part
  readonly blob: ViewBlob
}

export interface Contents {
  readonly parts: readonly Part[]
  /** For `model.parameters`: hyperparameters and metrics, where they are known. */
  readonly parameters: { readonly [key: string]: Json }
}

export const HYPERPARAMETERS = 'hyperparameters'
const GRID_MAX = 4 * 1024 * 1024
const UPSTREAM: readonly Relation[] = ['wasGeneratedBy', 'used', 'wasInformedBy']

interface Reading {
  readonly ledger: Ledger
  readonly store: Store
}

/** Undefined for an entity that is none of these. */
export async function contentsOf(reading: Reading, entity: Node): Promise<Contents | undefined> {
  const places = new Places()
  if (entity.kind === 'data') return { parts: [places.part('dataset', entity)], parameters: {} }
  if (entity.kind === 'source') return { parts: [places.part('code', entity)], parameters: {} }
  if (entity.kind === 'model') return modelContents(reading, entity, places)
  return undefined
}

async function modelContents(
  { ledger, store }: Reading,
  model: Node,
  places: Places,
): Promise<Contents> {
  const used = usedFor(
    await ledger.lineage(model.id, { direction: 'up', depth: 3, relations: UPSTREAM }),
    model,
  )
  const parts = [places.part('model', model)]
  const point =
    used.hyper &&
    (await pointOf(
      store,
      used.hyper,
      Number(used.trial?.attributes.point ?? used.trial?.attributes.index),
    ))
  if (point) parts.push(places.file(HYPERPARAMETERS, point.file, point.text))
  for (const [kind, node] of [['code', used.code] as const, ['dataset', used.data] as const]) {
    if (node && !(await isPurged(ledger, node.id))) parts.push(places.part(kind, node))
  }
  const { metrics } = model.attributes
  const measured = metrics && Object.keys(metrics).length > 0
  return {
    parts,
    parameters: {
      ...(point && { hyperparameters: point.values }),
      ...(measured && { metrics }),
    },
  }
}

interface Used {
  readonly trial?: Node | undefined
  readonly code?: Node | undefined
  readonly data?: Node | undefined
  readonly hyper?: Node | undefined
}

/** Nothing for a model that was not trained here. */
function usedFor(graph: Graph, model: Node): Used {
  const trial = find(graph, model.id, 'wasGeneratedBy')
  if (trial?.kind !== 'trial') return {}
  const job = find(graph, trial.id, 'wasInformedBy')
  return {
    trial,
    code: job && find(graph, job.id, 'used', 'code'),
    data: find(graph, trial.id, 'used', 'data'),
    hyper: find(graph, trial.id, 'used', 'hyperparams'),
  }
}

async function pointOf(store: Store, hyper: Node, index: number) {
  const text = await readSmallFile(store, hyper.digest!, GRID_MAX)
  const grid = parseGrid(text.toString('utf8'))
  const point = grid?.points[index]
  if (!point) return undefined
  return { values: { ...point }, file: pointFile(point), text: `${grid?.texts[index]}\n` }
}

/** Gives each part a folder of its own, with a name that kit takes for a path and nothing else. */
class Places {
  readonly #taken = new Set<string>()

  part(kind: KitKind, { name, digest, attributes }: Node): Part {
    const folder = attributes.folder ?? attributes.suffix ?? kind
    const path = this.#free(String(folder), kind)
    return {
      kind,
      name: kind === 'model' ? (name ?? path) : path,
      path,
      content: { tree: digest! },
    }
  }

  file(name: string, file: string, text: string): Part {
    return { kind: 'modelpart', name, path: this.#free(name, 'part'), content: { file, text } }
  }

  #free(folder: string, kind: string): string {
    // With a colon or an at sign a path looks like a reference; a comma ends one in a filter.
    const plain = folder.trim().replace(/[:@,\\]/g, '-')
    let path = /^(\.{0,2}|\.?kitfile|\.kitignore)$/i.test(plain) ? kind : plain
    while (this.#taken.has(path)) path = `${path}-${kind}`
    this.#taken.add(path)
    return path
  }
}
