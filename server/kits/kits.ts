/* ModelKits: how the registry sees what is kept here, and how the catalogue sees what kit pushes. */
import type { PartOf } from '../catalogue/find.ts'
import { openTurns } from '../jobs/turns.ts'
import type { Kits } from '../registry/hooks.ts'
import type { Rooms } from '../rooms.ts'
import { arrivedOf } from './arrived.ts'
import { openLayers } from './layers.ts'
import { openPartOf } from './part-of.ts'
import { viewOf } from './view.ts'

type Needed = Pick<
  Rooms,
  'ledger' | 'store' | 'people' | 'intake' | 'space' | 'quotas' | 'now' | 'settings'
>

export interface KitsRoom extends Kits {
  /** For `train deploy -d kit://…` and its like. */
  readonly partOf: PartOf
}

/** Kits that are unpacked at once: each may hold some 50 MB. */
const LANES = 3

export function openKits(rooms: Needed): KitsRoom {
  const layers = openLayers(rooms)
  const turns = openTurns()
  let next = 0
  const lane = <T>(work: () => Promise<T>) => turns.take(`lane ${next++ % LANES}`, work)
  return {
    view: (workspace, repository, entity) => viewOf(layers, workspace, repository, entity),
    views: layers.views,
    arrived: arrival => arrivedOf({ ...rooms, lane }, arrival),
    partOf: openPartOf(rooms),
  }
}
