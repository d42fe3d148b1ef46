/* Denials of callers who are known: a journal of bounded size. Those that are alike (who, what, where,
 * why) are one entry with a count. A new entry is a record of the ledger before the caller is answered;
 * counts follow in a moment. Each hour, and when there are many, the entries become one statement of
 * the ledger: a sealed segment, which nobody can change without its being found out. */
import { createHash } from 'node:crypto'
import type { Json, Ledger, RecordWrite } from '../../graph/ledger.ts'
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

export function openDenials({ ledger, people, now, log }: Parts): Denials {
  const entries = new Map<string, Entry>()
  const dirty = new Set<string>()
  const { id: actor, organisation } = people.system
  const commit = (records: RecordWrite[]) => ledger.commit({ actor, organisation, records })
  const failed = (error: Error) => log('warn', `denials could not be kept: ${error.message}`)

  function keyOf(denial: Denial): string {
    const { actor: who, code, method, route, workspace } = denial
    if (entries.size >= ENTRIES_LIMIT) return `${PREFIX}other`
    const where = entries.size >= ENTRIES_MAX ? null : workspace
    return PREFIX + hash([who, code, method, route, where])
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

  async function seal(): Promise<void> {
    await flush()
    const held = await Array.fromAsync(recordsBelow(ledger, PREFIX))
    if (held.length === 0) return
    const all = held.map(({ value }) => value)
    // Whoever counted on meanwhile, here or at another server, begins a new entry.
    entries.clear()
    await ledger.commit({
      actor,
      organisation,
      expect: held.map(({ key, version }) => ({ record: key, version })),
      statements: [{ type: SEGMENT, detail: { entries: all } }],
      records: held.map(({ key }) => ({ key, value: null })),
    })
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
      const entry = {
        ...denial,
        count: (known?.count ?? 0) + 1,
        first: known?.first ?? at,
        last: at,
      }
      entries.set(key, entry)
      if (known) dirty.add(key)
      else await commit([{ key, value: entry as unknown as Json }]).catch(failed)
      if (entries.size >= ENTRIES_MAX && !known) void seal().catch(failed)
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
