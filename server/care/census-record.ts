/* What was counted last, kept so that it can be asked for at any time. Quotas go by it. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { Json, RecordWrite } from '../../graph/ledger.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'
import type { Census, Place, Tally } from './census.ts'

/** When it was, and a record for each place; those of places that are no more are of another time. */
const AT = 'gc/counted'
const OF = 'gc/counted-of/'
const PER_COMMIT = 500

export interface Counted {
  readonly at: string
  readonly rows: readonly { workspace: Place; tally: Tally }[]
}

/** What workspaces with a quota had received when the counting began. */
export type Received = ReadonlyMap<string, number>

export async function receivedBefore({ quotas }: Pick<Rooms, 'quotas'>): Promise<Received> {
  const received = new Map<string, number>()
  for (const workspace of await quotas.list()) {
    received.set(workspace, (await quotas.of(workspace))?.received ?? 0)
  }
  return received
}

export async function saveCensus(
  { ledger, people, quotas, now }: Rooms,
  census: Census,
  before: Received,
): Promise<void> {
  const at = new Date(now()).toISOString()
  const records: RecordWrite[] = census.rows().map(({ workspace, tally }) => {
    return { key: OF + (workspace ?? ''), value: { at, workspace, tally: { ...tally } } }
  })
  records.push({ key: AT, value: { at } })
  for (let from = 0; from < records.length; from += PER_COMMIT) {
    await ledger.commit({
      actor: people.system.id,
      organisation: DEFAULT_ORGANISATION,
      records: records.slice(from, from + PER_COMMIT),
    })
  }
  for (const [workspace, received] of before) {
    await quotas.measured(workspace, census.of(workspace).storedBytes, received)
  }
}

export async function lastCensus({ ledger }: Pick<Rooms, 'ledger'>): Promise<Counted | undefined> {
  const last = (await recordAt(ledger, AT))?.value as { at: string } | undefined
  if (!last) return undefined
  const rows: { workspace: Place; tally: Tally }[] = []
  for await (const { value } of recordsBelow(ledger, OF)) {
    const { at, workspace, tally } = value as { at: string; workspace: Place; tally: Json }
    if (at === last.at) rows.push({ workspace, tally: tally as unknown as Tally })
  }
  return { at: last.at, rows }
}
