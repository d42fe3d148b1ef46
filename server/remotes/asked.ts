/* When somebody last asked a remote what it has. Whoever was told that an object is there does not bring
 * it again, and names it a while later; so for as long as a collection's grace nothing of that remote
 * goes (server/care). Noted before the answer, and not more often than once a minute:
 *
 *   asked/<kind>/<workspace id>/<repository>   {at} */
import type { Ledger } from '../../graph/ledger.ts'
import { recordsBelow } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'
import type { Remote } from './objects.ts'

const NOTED_EVERY_MS = 60_000
/** Longer than anybody lets a push go on. */
const KEPT_MS = 30 * 24 * 3600_000
const REMEMBERED = 10_000

export interface Asked {
  note(remote: Remote): Promise<void>
}

export function openAsked({
  ledger,
  people,
  now,
}: Pick<Rooms, 'ledger' | 'people' | 'now'>): Asked {
  const noted = new Map<string, number>()
  return {
    async note({ kind, workspace, repository, organisation }) {
      const key = `asked/${kind}/${workspace}/${repository}`
      const at = now()
      if (Math.abs(at - (noted.get(key) ?? Number.NEGATIVE_INFINITY)) < NOTED_EVERY_MS) return
      const record = { key, value: { at }, expires: at + KEPT_MS }
      await ledger.commit({ actor: people.system.id, organisation, records: [record] })
      if (noted.size >= REMEMBERED) noted.clear()
      noted.set(key, at)
    },
  }
}

/** `<kind>/<workspace id>/<repository>` of those that were asked since then. */
export async function askedSince(ledger: Ledger, since: number): Promise<Set<string>> {
  const asked = new Set<string>()
  for await (const { key, value } of recordsBelow(ledger, 'asked/')) {
    const { at } = value as { at: number }
    if (at + NOTED_EVERY_MS > since) asked.add(key.slice('asked/'.length))
  }
  return asked
}
