/* A token that the operator gives by a file, so that a server for others can begin without a first
 * start on loopback: whoever holds it is the user `admin`, an administrator. It is put into the ledger
 * once. Revoked there it stays revoked, whatever the file says. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'
import { systemActor } from './people.ts'
import { grantOf, isToken, tokenKey } from './token.ts'
import { keepToken, tokensOf } from './tokens.ts'
import { type UserRecord, userKey } from './user-record.ts'
import { openUsers } from './users.ts'

export const GIVEN_USER = 'admin'
const SOURCE = 'KAOS_ADMIN_TOKEN_FILE'
const LIFETIME_S = 10 * 365 * 24 * 3600

interface Given {
  readonly ledger: Ledger
  readonly token: string
  readonly now: number
  readonly log: Parts['log']
}

/** Afterwards the token opens the server, unless it was revoked. A second time changes nothing. */
export async function acceptAdministrator({ ledger, token, now, log }: Given): Promise<void> {
  if (!isToken(token)) {
    const form = 'kaos_ and 43 letters, digits, - or _'
    const how = `(printf kaos_; openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\\n') > FILE`
    throw new KaosError('CONFIGURATION', `${SOURCE} holds no token (${form}); make one: ${how}`)
  }
  const known = await grantOf(ledger, token)
  if (known !== undefined && known.expiresAt > now) return
  const actor = await systemActor(ledger)
  for await (const { value } of tokensOf(ledger, actor.organisation)) {
    if (value.token !== tokenKey(token) || !value.revoked) continue
    log('warn', `the token of ${SOURCE} was revoked, and opens nothing; put another there`)
    return
  }
  await ensureUser(ledger, now, actor)
  const wanted = { user: GIVEN_USER, name: SOURCE, expiresInSeconds: LIFETIME_S }
  await keepToken({ ledger, now, actor, wanted, token })
  log('info', `the token of ${SOURCE} opens this server as ${GIVEN_USER}`)
}

async function ensureUser(ledger: Ledger, now: number, actor: Actor): Promise<void> {
  const record = await recordAt(ledger, userKey(actor.organisation, GIVEN_USER))
  if (record === undefined) {
    await openUsers(ledger, () => now).create(actor, { name: GIVEN_USER, role: 'administrator' })
    return
  }
  if ((record.value as unknown as UserRecord).role === 'administrator') return
  const message = `the user ${GIVEN_USER}, whom ${SOURCE} is for, is no administrator here; leave it out`
  throw new KaosError('CONFIGURATION', message)
}
