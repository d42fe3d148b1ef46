/* Collections as an administrator knows them: begun, watched, and each a fact once it is done. They
 * run in the background, one at a time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Actor, DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { GcRequest, GcRun } from '../../api/wire.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'
import { receivedBefore, saveCensus } from './census-record.ts'
import { type Collected, collect, type Order } from './collect.ts'
import { foundDamaged } from './fsck.ts'
import { COLLECTING, type Lease, takeLease } from './lease.ts'
import { countersOf, type Pruned, pruneRecords, pruneUnreached } from './prune.ts'
import { type Purged, purgeDone } from './purging.ts'
import { RunRecord } from './run-record.ts'
import { workspaceNames } from './workspace-names.ts'

export interface Collections {
  /** CONFLICT when one is running. */
  begin(actor: Actor, request: GcRequest): Promise<GcRun>
  /** Takes away what was purged, as soon as nothing else is running. */
  purge(actor: Actor, purged: Purged): void
  /** The one that runs, or the last. */
  last(): Promise<GcRun | undefined>
  /** Breaks off what runs, and waits for that. */
  close(): Promise<void>
}

const GRACE_S = 3600
/** Between two looks whether another collection has ended. */
const AGAIN_MS = 500

export function openCollections(parts: Rooms): Collections {
  const { ledger, people, now, log } = parts
  const agent = people.system.id
  const record = new RunRecord<GcRun>(ledger, agent, 'gc/run')
  let running: Promise<void> | undefined
  let purges: Promise<void> = Promise.resolve()
  let closing = false

  async function begin(actor: Actor, order: Order): Promise<void> {
    requireOpen()
    const lease = await takeLease(COLLECTING, { ledger, agent, now })
    await record.begin(newRun(actor, order, now()))
    running = work(actor, order, lease)
      .catch(ended)
      .then(() => lease.release())
      .catch(error => log('error', `the end of a collection was not noted: ${error.message}`))
      .finally(() => {
        running = undefined
      })
  }

  async function work(actor: Actor, order: Order, lease: Lease): Promise<void> {
    const before = await receivedBefore(parts)
    const pruned = order.dryRun ? NOTHING_PRUNED : await pruneRecords(parts, order.graceMs)
    const counters = await countersOf(parts)
    const collected = await collect({ ...parts, agent, lease, tell }, order)
    const unreached = order.dryRun
      ? { blobs: 0, remotes: 0 }
      : await pruneUnreached(parts, collected.mark, { graceMs: order.graceMs, counters })
    await saveCensus(parts, collected.mark.census, before)
    const result = await resultOf(parts, collected, together(pruned, unreached))
    if (!order.dryRun) await ledger.commit(factOf(actor, order, result))
    await record.end({ ...result, state: 'done', finishedAt: new Date(now()).toISOString() })
    const { going, freedBytes } = result
    log('info', 'collected', { dryRun: order.dryRun, ...going, freedBytes })
  }

  function tell(phase: string, seen: number): void {
    requireOpen()
    record.change({ phase, seen })
  }

  function requireOpen(): void {
    if (closing) throw new KaosError('UNAVAILABLE', 'the server was stopped; collect again')
  }

  async function ended(error: Error): Promise<void> {
    const { message, stack } = error
    if (isKaosError(error)) log('warn', `the collection ended: ${message}`)
    else log('error', `the collection failed: ${message}`, { stack })
    const finishedAt = new Date(now()).toISOString()
    await record.end({ state: 'failed', error: message, finishedAt })
  }

  async function whenFree(actor: Actor, { entity, content }: Purged): Promise<void> {
    while (!closing) {
      await running
      try {
        await begin(actor, { graceMs: 0, dryRun: false, damaged: [], only: content })
        await running
        if ((await record.last())?.state === 'done') await purgeDone(parts, entity)
        return
      } catch (error) {
        if (!isKaosError(error, 'CONFLICT')) throw error
        await sleep(AGAIN_MS)
      }
    }
  }

  return {
    async begin(actor, { dryRun = false, graceSeconds = GRACE_S }) {
      const damaged = await foundDamaged(ledger)
      await begin(actor, { dryRun, graceMs: graceSeconds * 1000, damaged })
      return (await this.last())!
    },
    purge(actor, purged) {
      purges = purges
        .then(() => whenFree(actor, purged))
        .catch(error => log('error', `purged content is still here: ${error.message}; collect`))
    },
    async last() {
      const run = await record.last()
      if (!run) return undefined
      const by = await people.nameOf(run.by)
      const alive = running !== undefined || (await recordAt(ledger, COLLECTING)) !== undefined
      if (run.state !== 'running' || alive) return { ...run, by }
      return { ...run, by, state: 'failed', error: 'the server was stopped; collect again' }
    },
    async close() {
      closing = true
      await running
      await purges
    },
  }
}

type Result = Pick<
  GcRun,
  'kept' | 'going' | 'spared' | 'freedBytes' | 'pruned' | 'workspaces' | 'entities' | 'first'
>

const NOTHING = { objects: 0, bytes: 0 }
const NOTHING_PRUNED: Pruned = { blobs: 0, sessions: 0 }

function together(
  { blobs, sessions }: Pruned,
  unreached: { blobs: number; remotes: number },
): GcRun['pruned'] {
  return { sessions, blobs: blobs + unreached.blobs, remotes: unreached.remotes }
}

function newRun({ id }: Actor, { dryRun, graceMs }: Order, now: number): GcRun {
  return {
    run: newId(now),
    state: 'running',
    phase: 'marking',
    seen: 0,
    dryRun,
    graceSeconds: Math.round(graceMs / 1000),
    by: id,
    startedAt: new Date(now).toISOString(),
    finishedAt: null,
    kept: NOTHING,
    going: NOTHING,
    spared: 0,
    freedBytes: 0,
    pruned: { blobs: 0, remotes: 0, sessions: 0 },
    workspaces: [],
    entities: [],
    first: [],
    error: null,
  }
}

async function resultOf(
  parts: Rooms,
  { mark, going, removed, freedBytes }: Collected,
  pruned: GcRun['pruned'],
): Promise<Result> {
  const nameOf = await workspaceNames(parts)
  const { objects, storedBytes } = mark.census.total
  return {
    kept: { objects, bytes: storedBytes },
    going: removed ?? { objects: going.objects, bytes: going.bytes },
    spared: removed === undefined ? 0 : going.objects - removed.objects,
    freedBytes,
    pruned,
    workspaces: going.census.rows().map(({ workspace, tally }) => ({
      workspace: nameOf(workspace),
      entities: tally.entities,
      objects: tally.objects,
      bytes: tally.storedBytes,
    })),
    entities: going.entities.map(({ node, bytes }) => ({
      entity: node.id,
      kind: node.kind,
      name: node.name ?? node.id,
      workspace: nameOf(node.workspace ?? null),
      bytes,
    })),
    first: going.first.map(({ digest, size }) => ({ digest, size })),
  }
}

/** Every collection is a fact. */
function factOf({ id }: Actor, { graceMs, only }: Order, result: Result) {
  const { kept, going, spared, freedBytes, pruned } = result
  const detail = { graceMs, kept, going, spared, freedBytes, pruned }
  const type = 'store.collected'
  return {
    actor: id,
    organisation: DEFAULT_ORGANISATION,
    statements: [{ type, detail: { ...detail, ...(only !== undefined && { only }) } }],
  }
}
