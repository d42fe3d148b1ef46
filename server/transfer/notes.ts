/* What a session has sent itself, so that it may use it: digests, durable as records of the ledger,
 * so that an upload goes on after the server was killed. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import type { Ledger, RecordWrite } from '../../graph/ledger.ts'
import { recordsBelow } from '../ledger-reads.ts'
import { DigestSet, packed } from './digest-set.ts'

/** Longer than any upload; a note that is lost only means bytes sent again. */
const KEPT_MS = 7 * 24 * 3600_000
const PER_RECORD = 4096
const SESSIONS_CACHED = 64

export interface Notes {
  of(session: string): Promise<DigestSet>
  add(session: string, digests: readonly Digest[]): Promise<void>
  drop(session: string): Promise<void>
}

interface Options {
  readonly ledger: Ledger
  /** Agent under which the records are written. */
  readonly agent: string
  readonly now: () => number
}

export function openNotes({ ledger, agent, now }: Options): Notes {
  const cache = new Map<string, Promise<DigestSet>>()

  async function load(session: string): Promise<DigestSet> {
    const set = new DigestSet()
    for await (const { value } of recordsBelow(ledger, prefixOf(session))) {
      set.addPacked(Buffer.from(String(value), 'base64'))
    }
    return set
  }

  /** The set, which is the most recently used from now on. */
  function of(session: string): Promise<DigestSet> {
    const set = cache.get(session) ?? load(session)
    cache.delete(session)
    cache.set(session, set)
    set.catch(() => cache.delete(session))
    const oldest = cache.keys().next().value
    if (cache.size > SESSIONS_CACHED && oldest !== undefined) cache.delete(oldest)
    return set
  }

  async function write(records: RecordWrite[]): Promise<void> {
    await ledger.commit({ actor: agent, organisation: DEFAULT_ORGANISATION, records })
  }

  return {
    of,
    async add(session, digests) {
      const records: RecordWrite[] = []
      for (let at = 0; at < digests.length; at += PER_RECORD) {
        const value = packed(digests.slice(at, at + PER_RECORD)).toString('base64')
        records.push({ key: prefixOf(session) + newId(), value, expires: now() + KEPT_MS })
      }
      if (records.length === 0) return
      await write(records)
      const set = await of(session)
      for (const digest of digests) set.add(digest)
    },
    async drop(session) {
      const gone: RecordWrite[] = []
      for await (const { key } of recordsBelow(ledger, prefixOf(session))) {
        gone.push({ key, value: null })
      }
      cache.delete(session)
      if (gone.length > 0) await write(gone)
    },
  }
}

function prefixOf(session: string): string {
  return `sent/${session}/`
}
