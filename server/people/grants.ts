/* From a token to who holds it. Asked anew with every call, so a revoked token, a removed user and a
 * changed role count at once. */
import { type Actor, ROLES } from '../../api/actor.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'
import { nameOf } from './agents.ts'
import { type Grant, grantOf, newToken, tokenKey } from './token.ts'
import { type UserRecord, userKey } from './user-record.ts'

/** Worker and attempt tokens end this long after their last use: they are used all the time. */
const UNUSED_MS = 24 * 3600_000

/** What a worker's or attempt's token is for. */
type Purpose = (
  | { kind: 'worker'; name: string }
  | { kind: 'attempt'; attempt: string; pulls?: string }
) & {
  agent: string
  organisation: string
}

export interface Grants {
  issue(purpose: Purpose): Promise<string>
  authenticate(token: string): Promise<Actor | undefined>
}

interface Options {
  readonly ledger: Ledger
  readonly now: () => number
  /** Under which the records are written. */
  readonly agent: string
}

export function openGrants({ ledger, now, agent }: Options): Grants {
  async function keep(key: string, grant: Grant): Promise<void> {
    const records = [{ key, value: { ...grant }, expires: grant.expiresAt }]
    await ledger.commit({ actor: agent, organisation: grant.organisation, records })
  }

  return {
    async issue(purpose) {
      const token = newToken()
      await keep(tokenKey(token), { ...purpose, expiresAt: now() + UNUSED_MS })
      return token
    },
    async authenticate(token) {
      const grant = await grantOf(ledger, token)
      if (!grant || grant.expiresAt <= now()) return undefined
      if (grant.kind === 'user') return userOf(ledger, grant)
      const isFixed = grant.kind === 'worker' && grant.fixed === true
      if (!isFixed && grant.expiresAt - now() < UNUSED_MS / 2) {
        await keep(tokenKey(token), { ...grant, expiresAt: now() + UNUSED_MS })
      }
      const { agent: id, organisation } = grant
      const actor = { id, kind: 'worker', name: await nameOf(ledger, id), organisation } as const
      if (grant.kind === 'worker') return { ...actor, scopes: ['worker'] }
      const { attempt, pulls } = grant
      return { ...actor, scopes: ['attempt'], attempt, ...(pulls !== undefined && { pulls }) }
    },
  }
}

async function userOf(
  ledger: Ledger,
  { agent, organisation, user: name }: Grant & { kind: 'user' },
): Promise<Actor | undefined> {
  const record = await recordAt(ledger, userKey(organisation, name))
  const user = record?.value as unknown as UserRecord | undefined
  // A user of the same name made later is somebody else.
  if (user?.id !== agent) return undefined
  return { id: agent, kind: 'user', name, organisation, scopes: ROLES[user.role] }
}
