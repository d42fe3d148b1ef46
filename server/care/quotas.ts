/* Quotas: bytes that a workspace may take. Room is set aside before a body is read and counts as used
 * from then on, so uploads at the same time cannot pass the limit together.
 *
 *   quota/limit/<ws>       {bytes}                     absent: no limit
 *   quota/used/<ws>        {measured, received}        bytes that were counted, and came since
 *   quota/held/<ws>/<id>   {bytes}                     set aside; runs out with a dead upload
 *
 * Whoever sets room aside or settles writes `quota/used` and expects its version: so they take turns,
 * also between servers. What was measured is put right by each collection. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { Json, Ledger, RecordWrite } from '../../graph/ledger.ts'
import { retrying } from '../jobs/reading.ts'
import { openTurns } from '../jobs/turns.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import type { Quotas, Reservation } from '../parts.ts'

/** Room of an upload whose server died is free again after this; one that goes on renews it. */
const HELD_MS = 10 * 60_000
const RENEWED_EVERY_MS = 2 * 60_000

interface Used {
  /** Bytes of the workspace when everything was counted last. */
  readonly measured: number
  /** Bytes that came since. */
  readonly received: number
}

export interface Use extends Used {
  readonly limit: number
  /** Set aside by uploads that are under way. */
  readonly held: number
}

interface Options {
  readonly ledger: Ledger
  /** Agent under which the records are written. */
  readonly agent: string
  readonly now: () => number
}

export interface QuotasRoom extends Quotas {
  /** Undefined where no quota is set. */
  of(workspace: string): Promise<Use | undefined>
  /** Workspace ids that have one. */
  list(): Promise<string[]>
  /** What writes a limit, and how much the workspace has; null takes the limit away. */
  limitWrites(workspace: string, limit: number | null, measured: number): RecordWrite[]
  /** Puts right what was measured. `since`: what had been received when the counting began. */
  measured(workspace: string, bytes: number, since: number): Promise<void>
}

export function openQuotas({ ledger, agent, now }: Options): QuotasRoom {
  const turns = openTurns()

  async function read(workspace: string): Promise<{ use: Use; version: number } | undefined> {
    const limit = await recordAt(ledger, limitKey(workspace))
    if (!limit) return undefined
    const used = await recordAt(ledger, usedKey(workspace))
    const { measured = 0, received = 0 } = (used?.value ?? {}) as Partial<Used>
    let held = 0
    for await (const { value } of recordsBelow(ledger, heldKey(workspace, ''))) {
      held += (value as { bytes: number }).bytes
    }
    const { bytes } = limit.value as { bytes: number }
    return { use: { limit: bytes, measured, received, held }, version: used?.version ?? 0 }
  }

  /** Writes with the used bytes as `change` makes them of those that are. */
  async function change(
    workspace: string,
    records: readonly RecordWrite[],
    changed: (use: Use) => Used,
  ): Promise<void> {
    const once = async () => {
      const found = await read(workspace)
      if (!found) return
      const { measured, received } = changed(found.use)
      const key = usedKey(workspace)
      await ledger.commit({
        actor: agent,
        organisation: DEFAULT_ORGANISATION,
        expect: [{ record: key, version: found.version }],
        records: [{ key, value: { measured, received } }, ...records],
      })
    }
    await turns.take(workspace, () => retrying(once))
  }

  return {
    async of(workspace) {
      return (await read(workspace))?.use
    },
    async list() {
      const all = await Array.fromAsync(recordsBelow(ledger, limitKey('')))
      return all.map(({ key }) => key.slice(limitKey('').length))
    },
    limitWrites: (workspace, limit, measured) => [
      { key: limitKey(workspace), value: limit === null ? null : { bytes: limit } },
      { key: usedKey(workspace), value: limit === null ? null : { measured, received: 0 } },
    ],
    async measured(workspace, bytes, since) {
      await change(workspace, [], ({ received }) => {
        return { measured: bytes, received: Math.max(0, received - since) }
      })
    },
    async reserve(workspace, bytes) {
      if (!(await recordAt(ledger, limitKey(workspace)))) return NO_QUOTA
      const held = new Held(workspace, change, now)
      try {
        await held.add(bytes)
      } catch (error) {
        await held.release()
        throw error
      }
      return held
    },
  }
}

type Change = (
  workspace: string,
  records: readonly RecordWrite[],
  changed: (use: Use) => Used,
) => Promise<void>

class Held implements Reservation {
  readonly #workspace: string
  readonly #change: Change
  readonly #now: () => number
  readonly #key: string
  readonly #renewing: NodeJS.Timeout
  #bytes = 0
  #over = false

  constructor(workspace: string, change: Change, now: () => number) {
    this.#workspace = workspace
    this.#change = change
    this.#now = now
    this.#key = heldKey(workspace, newId(now()))
    this.#renewing = setInterval(() => {
      // What is not renewed now is the next time, long before it runs out.
      this.#change(workspace, [this.#writeOf(this.#bytes)], use => use).catch(() => undefined)
    }, RENEWED_EVERY_MS)
    this.#renewing.unref()
  }

  async add(bytes: number): Promise<void> {
    const all = this.#bytes + bytes
    await this.#change(this.#workspace, [this.#writeOf(all)], use => {
      const used = use.measured + use.received + use.held
      if (used + bytes > use.limit) throw exceeded(use.limit, used, bytes)
      return use
    })
    this.#bytes = all
  }

  async settle(bytes: number): Promise<void> {
    if (this.#over) return
    this.#end()
    await this.#change(this.#workspace, [this.#gone], use => {
      return { ...use, received: use.received + bytes }
    })
  }

  async release(): Promise<void> {
    if (this.#over) return
    this.#end()
    await this.#change(this.#workspace, [this.#gone], use => use)
  }

  #end(): void {
    this.#over = true
    clearInterval(this.#renewing)
  }

  #writeOf(bytes: number): RecordWrite {
    return { key: this.#key, value: { bytes }, expires: this.#now() + HELD_MS }
  }

  get #gone(): RecordWrite {
    return { key: this.#key, value: null as Json }
  }
}

const NO_QUOTA: Reservation = {
  add: async () => {},
  settle: async () => {},
  release: async () => {},
}

function exceeded(limit: number, used: number, requested: number): KaosError {
  const left = Math.max(0, limit - used)
  const message =
    `the workspace may take ${limit} bytes and has ${used} of them, so ${requested} do not fit ` +
    `(${left} are left); remove versions that are not needed and collect, or ask an administrator`
  return new KaosError('QUOTA_EXCEEDED', message, { detail: { limit, used, requested } })
}

const limitKey = (workspace: string) => `quota/limit/${workspace}`
const usedKey = (workspace: string) => `quota/used/${workspace}`
const heldKey = (workspace: string, id: string) => `quota/held/${workspace}/${id}`
