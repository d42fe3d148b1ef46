/* What a session has sent itself, so that it may use it: digests, durable as records of the ledger,
 * so that an upload goes on after the server was killed. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { DigestSet, packed } from '../../api/digest-set.ts'
import { newId } from '../../api/ids.ts'
import type { Expectation, Ledger, RecordWrite } from '../../graph/ledger.ts'
import { recordsBelow } from '../ledger-reads.ts'

/** Longer than any upload; a note that is lost only means bytes sent again. */
const KEPT_MS = 7 * 24 * 3600_000
const PER_RECORD = 4096
const SESSIONS_CACHED = 64
/** Of all cached sessions but the latest: 32 to 128 bytes each. */
const DIGESTS_CACHED = 1_000_000

export interface Notes {
  of(session: string): Promise<DigestSet>
  /** `expect`: what must still hold when they are noted. */
  add(session: string, digests: readonly Digest[], expect?: readonly Expectation[]): Promise<void>
  drop(session: string): Promise<void>
}

interface Options {
  readonly ledger: Ledger
  /** Agent under which the records are written. */
  readonly agent: string
  readonly now: () => number
  readonly digestsCached?: number
}

export function openNotes(options: Options): Notes {
  const { ledger, agent, now, digestsCached = DIGESTS_CACHED } = options
  const cache = new Map<string, Promise<DigestSet>>()
  /** Of the cached sets that are loaded: how many digests they hold. */
  const sizes = new Map<string, number>()

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
    set.then(
      ({ size }) => cache.get(session) === set && sizes.set(session, size),
      () => forget(session),
    )
    trim()
    return set
  }

  function forget(session: string): void {
    cache.delete(session)
    sizes.delete(session)
  }

  /** Forgets the sets that nobody used for the longest time, but never the latest. */
  function trim(): void {
    let digests = sizes.values().reduce((sum, size) => sum + size, 0)
    for (const oldest of [...cache.keys()].slice(0, -1)) {
      if (cache.size <= SESSIONS_CACHED && digests <= digestsCached) return
      digests -= sizes.get(oldest) ?? 0
      forget(oldest)
    }
  }

  async function write(records: RecordWrite[], expect: readonly Expectation[] = []): Promise<void> {
    await ledger.commit({ actor: agent, organisation: DEFAULT_ORGANISATION, expect, records })
  }

  return {
    of,
    async add(session, digests, expect) {
      const records = notesOf(session, digests, now())
      if (records.length === 0) return
      await write(records, expect)
      const set = await of(session)
      for (const digest of digests) set.add(digest)
      if (cache.has(session)) sizes.set(session, set.size)
    },
    async drop(session) {
      const gone: RecordWrite[] = []
      for await (const { key } of recordsBelow(ledger, prefixOf(session))) {
        gone.push({ key, value: null })
      }
      forget(session)
      if (gone.length > 0) await write(gone)
    },
  }
}

/** The records that note these objects under the session. */
export function notesOf(session: string, digests: readonly Digest[], now: number): RecordWrite[] {
  const records: RecordWrite[] = []
  for (let at = 0; at < digests.length; at += PER_RECORD) {
    const value = packed(digests.slice(at, at + PER_RECORD)).toString('base64')
    records.push({ key: prefixOf(session) + newId(), value, expires: now + KEPT_MS })
  }
  return records
}

function prefixOf(session: string): string {
  return `sent/${session}/`
}
