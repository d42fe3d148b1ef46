/* What the store holds. The store's own figures are of now; what is counted through the entities is
 * of the last count, which each collection makes anew. */
import type { StatsView } from '../../api/wire.ts'
import type { Rooms } from '../rooms.ts'
import type { Tally } from './census.ts'
import { type Counted, lastCensus, receivedBefore, saveCensus } from './census-record.ts'
import { Mark } from './mark.ts'
import { workspaceNames } from './workspace-names.ts'

/** Counts everything now. */
export async function count(parts: Rooms): Promise<Mark> {
  const before = await receivedBefore(parts)
  const mark = new Mark(parts)
  await mark.everything(() => {})
  await saveCensus(parts, mark.census, before)
  return mark
}

export interface Asked {
  /** Id. */
  readonly workspace?: string | undefined
  readonly fresh?: boolean | undefined
}

export async function statsOf(parts: Rooms, { workspace, fresh }: Asked): Promise<StatsView> {
  const { store, quotas } = parts
  const counted = (fresh ? undefined : await lastCensus(parts)) ?? (await countedNow(parts))
  const { objects, bytes, packs, deadBytes, freeBytes } = await store.stats()
  const nameOf = await workspaceNames(parts)
  const rows = counted.rows.filter(row => workspace === undefined || row.workspace === workspace)
  const all = totalOf(rows.map(row => row.tally))
  return {
    countedAt: counted.at,
    entities: all.entities,
    logicalBytes: all.logicalBytes,
    storedBytes: workspace === undefined ? bytes : all.storedBytes,
    savedBytes: Math.max(0, all.logicalBytes - all.storedBytes),
    objects: workspace === undefined ? objects : all.objects,
    packs: packs ?? null,
    deadBytes: deadBytes ?? null,
    freeBytes: freeBytes ?? null,
    damaged: await store.damaged(),
    workspaces: await Promise.all(
      rows.map(async ({ workspace: id, tally }) => ({
        workspace: nameOf(id),
        entities: tally.entities,
        logicalBytes: tally.logicalBytes,
        storedBytes: tally.storedBytes,
        quotaBytes: id === null ? null : ((await quotas.of(id))?.limit ?? null),
      })),
    ),
  }
}

async function countedNow(parts: Rooms): Promise<Counted> {
  await count(parts)
  return (await lastCensus(parts))!
}

function totalOf(tallies: readonly Tally[]): Tally {
  const total: Tally = { entities: 0, logicalBytes: 0, objects: 0, storedBytes: 0 }
  for (const one of tallies) {
    total.entities += one.entities
    total.logicalBytes += one.logicalBytes
    total.objects += one.objects
    total.storedBytes += one.storedBytes
  }
  return total
}
