/* A training as it was asked for, checked as far as it can be without a server, and how its inputs
 * are shown. */
import { parseGrid } from '../api/grid.ts'
import type { TrainInputs, TrainRequest } from '../api/wire.ts'
import { type ResourceFlags, resourcesOf } from './asked-resources.ts'
import { findBundle, type LocalBundle } from './bundles.ts'
import { isFolder } from './catalogue/given.ts'
import { indexed } from './listings.ts'
import { ABSENT, DONE, IN_PROGRESS } from './look.ts'
import { type LocalManifest, readManifest } from './manifests.ts'
import type { Table } from './table.ts'

export interface AskedTraining extends ResourceFlags {
  readonly source: string | undefined
  readonly data: string | undefined
  /** A file of JSON lines. */
  readonly manifest: string | undefined
  /** The text of the file. */
  readonly hyperparams: string | undefined
  readonly parallelism: number | undefined
  readonly again: boolean
  /** The training that it was made from. */
  readonly from?: string | undefined
}

/** A bundle to be sent, or a reference to one that is on the server. */
export type Given = LocalBundle | { readonly kind: LocalBundle['kind']; readonly reference: string }

type Points = readonly Readonly<Record<string, unknown>>[]

export interface TrainingWish {
  readonly source: Given | undefined
  readonly data: Given | undefined
  readonly manifest: LocalManifest | undefined
  readonly points: Points | undefined
  /** All but bundles and manifest, which get their ids when they are sent. */
  readonly request: Omit<TrainRequest, 'source' | 'data'>
}

export function checkTraining(asked: AskedTraining): TrainingWish {
  const { source, data, manifest, hyperparams, parallelism, again, from } = asked
  const resources = resourcesOf(asked)
  const grid = hyperparams === undefined ? undefined : parseGrid(hyperparams)
  return {
    source: source === undefined ? undefined : givenAs('train-source', source),
    data: data === undefined ? undefined : givenAs('data', data),
    manifest: manifest === undefined ? undefined : readManifest(manifest),
    points: grid?.points,
    request: {
      ...(hyperparams === undefined ? {} : { hyperparamsText: hyperparams }),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(resources === undefined ? {} : { resources }),
      ...(again ? { again } : {}),
      ...(from === undefined ? {} : { from }),
    },
  }
}

export function givenAs(kind: LocalBundle['kind'], text: string): Given {
  return isFolder(kind, text) ? findBundle(kind, text) : { kind, reference: text }
}

/** One row: what is set, what is missing, what is being made. */
export function inputsTable({ image, data, hyperparams }: TrainInputs): Table {
  const cells = [image, data, hyperparams].map(({ state, value }, at) => {
    if (state === 'building') return `${IN_PROGRESS}\n<${at === 1 ? 'ingesting' : 'building'}>`
    return state === 'set' ? `${DONE}\n${value ?? ''}` : ABSENT
  })
  return { columns: ['Image', 'Data', 'Hyperparams'], rows: [cells] }
}

/** One row per trial, a column per parameter in the file's order. */
export function pointsTable(points: Points): Table {
  const rows = points.map(point =>
    Object.fromEntries(Object.entries(point).map(([key, value]) => [key, cellOf(value)])),
  )
  return indexed(undefined, Object.keys(points[0] ?? {}), rows)
}

function cellOf(value: unknown): string | number | boolean | null {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  return typeof value === 'string' ? value : JSON.stringify(value)
}
