/* Denials of callers who are known: a journal of bounded size. Those that are alike (who, what, where,
 * why) are one entry with a count. A new entry is a record of the ledger before the caller is answered;
 * counts follow in a moment. Each server counts in segments of its own. Each hour, and when there are many, the entries become one statement of
 * the ledger: a sealed segment, which nobody can change without its being found out. */
import { createHash } from 'node:crypto'
import { newId } from '../../api/ids.ts'
import type { Json, Ledger, LedgerRecord, RecordWrite } from '../../graph/ledger.ts'
import { recordsBelow } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'

export const SEGMENT = 'audit.denials'
const PREFIX = 'audit/denial/'
const SEAL_MS = 3600_000
const FLUSH_MS = 5000
/** From here on the workspace, which a caller may make up, tells entries apart no longer. */
const ENTRIES_MAX = 1000
/** And from here on nothing does. */
const ENTRIES_LIMIT = 2000

/** It may be made up. */
const WORKSPACE_MAX = 100

export interface Denial {
  readonly actor: string
  readonly code: string
  readonly method: string
  /** As it is declared; `/<endpoint>` for a call of one. */
  readonly route: string
  readonly workspace: string | null
  readonly requestId: string
  readonly address: string
}

/** As it is kept: of those that are alike, the last one's request and address. */
export type Entry = Denial & { count: number; first: string; last: string }

export interface Denials {
  /** Resolves when it is written down. */
  add(denial: Denial): Promise<void>
  /** What is not sealed yet, of all servers. */
  open(): Promise<Entry[]>
  seal(): Promise<void>
  close(): Promise<void>
}

export function openDenials({ ledger, people, settings, now, log }: Parts): Denials {
  const own = `${PREFIX}${newId()}/`
  const entries = new Map<string, Entry>()
  const dirty = new Set<string>()
  let segment = 0
  const { id: actor, organisation } = people.system
  const commit = (records: RecordWrite[]) => ledger.commit({ actor, organisation, records })
  const failed = (error: Error) => log('warn', `denials could not be kept: ${error.message}`)
  const current = () => `${own}${segment}/`

  function keyOf({ actor: who, code, method, route, workspace }: Denial): string {
    if (entries.size >= ENTRIES_LIMIT) return `${current()}other`
    const where = entries.size >= ENTRIES_MAX ? null : workspace
    return current() + hash([who, code, method, route, where])
  }

  async function flush(): Promise<void> {
    const keys = [...dirty]
    dirty.clear()
    const records = keys.flatMap(key => {
      const entry = entries.get(key)
      return entry ? [{ key, value: entry as unknown as Json }] : []
    })
    if (records.length > 0) await commit(records)
  }

  /** Whether its segment has ended: nobody counts on in it. */
  function isOver({ key, value }: LedgerRecord): boolean {
    if (key.startsWith(own)) return !key.startsWith(current())
    if (!settings.shared) return true
    return Date.parse((value as unknown as Entry).last) < now() - 2 * SEAL_MS
  }

  async function seal(): Promise<void> {
    await flush()
    segment++
    entries.clear()
    const over = (await Array.fromAsync(recordsBelow(ledger, PREFIX))).filter(isOver)
    for (let at = 0; at < over.length; at += ENTRIES_MAX) {
      const some = over.slice(at, at + ENTRIES_MAX)
      await ledger.commit({
        actor,
        organisation,
        expect: some.map(({ key, version }) => ({ record: key, version })),
        statements: [{ type: SEGMENT, detail: { entries: some.map(({ value }) => value) } }],
        records: some.map(({ key }) => ({ key, value: null })),
      })
    }
  }

  const sealing = setInterval(() => void seal().catch(failed), SEAL_MS)
  const flushing = setInterval(() => void flush().catch(failed), FLUSH_MS)
  sealing.unref()
  flushing.unref()

  return {
    async add(denial) {
      const key = keyOf(denial)
      const at = new Date(now()).toISOString()
      const known = entries.get(key)
      const workspace = denial.workspace?.slice(0, WORKSPACE_MAX) ?? null
      const count = (known?.count ?? 0) + 1
      const entry = { ...denial, workspace, count, first: known?.first ?? at, last: at }
      entries.set(key, entry)
      if (known) dirty.add(key)
      else await commit([{ key, value: entry as unknown as Json }]).catch(failed)
      if (entries.size >= ENTRIES_MAX && !known) await seal().catch(failed)
    },
    async open() {
      await flush().catch(failed)
      return openEntries(ledger)
    },
    seal,
    async close() {
      clearInterval(sealing)
      clearInterval(flushing)
      await flush().catch(failed)
    },
  }
}

async function openEntries(ledger: Ledger): Promise<Entry[]> {
  const held = await Array.fromAsync(recordsBelow(ledger, PREFIX))
  return held.map(({ value }) => value as unknown as Entry)
}

function hash(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
