/* Tokens of users: made, listed, revoked. Beside the record under the token's hash there is one
 * under its id, for people: it never leads to the token itself. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { NewToken, TokenView } from '../../api/wire.ts'
import type { Json, Ledger } from '../../graph/ledger.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import { newToken, tokenKey } from './token.ts'
import { type UserRecord, userKey } from './user-record.ts'

const DEFAULT_SECONDS = 30 * 24 * 3600
/** Kept in the listing this long after it ended. */
const SHOWN_MS = 90 * 24 * 3600_000

export interface TokenEntry {
  /** Key of the record that makes the token valid. */
  token: string
  agent: string
  user: string
  name: string
  createdAt: string
  expiresAt: number
  revoked: boolean
}

interface Wanted {
  user: string
  expiresInSeconds?: number
  name?: string
}

export interface Tokens {
  list(actor: Actor): Promise<TokenView[]>
  create(actor: Actor, wanted: Wanted): Promise<NewToken>
  /** From the moment it resolves the token opens nothing. A second time is no error. */
  revoke(actor: Actor, id: string): Promise<void>
}

export function openTokens(ledger: Ledger, now: () => number): Tokens {
  return {
    async list({ organisation }) {
      const views: TokenView[] = []
      for await (const { key, value } of tokensOf(ledger, organisation)) {
        views.push(viewOf(key.slice(key.lastIndexOf('/') + 1), value))
      }
      return views
    },
    create: (actor, wanted) => create(ledger, now(), actor, wanted),
    revoke: (actor, id) => revoke(ledger, actor, id),
  }
}

/** Every token of an organisation's users that was made, also ended ones, for a while. */
export async function* tokensOf(
  ledger: Ledger,
  organisation: string,
): AsyncGenerator<{ key: string; value: TokenEntry }> {
  for await (const { key, value } of recordsBelow(ledger, idKey(organisation, ''))) {
    yield { key, value: value as unknown as TokenEntry }
  }
}

/** Whether somebody could administer a server that asks everybody for a token. */
export async function hasAdministratorToken(ledger: Ledger, now: number): Promise<boolean> {
  for await (const { key, value } of recordsBelow(ledger, 'token-id/')) {
    const entry = value as unknown as TokenEntry
    if (entry.revoked || entry.expiresAt <= now) continue
    const organisation = key.split('/')[1] ?? ''
    const user = await recordAt(ledger, userKey(organisation, entry.user))
    if ((user?.value as unknown as UserRecord | undefined)?.role === 'administrator') return true
  }
  return false
}

function create(ledger: Ledger, now: number, actor: Actor, wanted: Wanted): Promise<NewToken> {
  return keepToken({ ledger, now, actor, wanted, token: newToken() })
}

/** Makes this very token one of the user. */
export async function keepToken(given: {
  ledger: Ledger
  now: number
  actor: Actor
  wanted: Wanted
  token: string
}): Promise<NewToken> {
  const { ledger, now, wanted, token } = given
  const { id: actor, organisation } = given.actor
  const record = await recordAt(ledger, userKey(organisation, wanted.user))
  if (!record) {
    const next = `kaos admin user add ${wanted.user}`
    throw new KaosError('USER_NOT_FOUND', `there is no user ${wanted.user}; add one: ${next}`)
  }
  const agent = (record.value as unknown as UserRecord).id
  const id = newId(now)
  const expiresAt = now + (wanted.expiresInSeconds ?? DEFAULT_SECONDS) * 1000
  const { user } = wanted
  const createdAt = new Date(now).toISOString()
  const name = wanted.name ?? ''
  const entry = { token: tokenKey(token), agent, user, name, createdAt, expiresAt, revoked: false }
  const grant = { kind: 'user', id, user, agent, organisation, expiresAt }
  await ledger.commit({
    actor,
    organisation,
    // The user may have been removed meanwhile.
    expect: [{ record: record.key, version: record.version }],
    statements: [
      {
        type: 'token.created',
        detail: { token: id, user: agent, expiresAt: new Date(expiresAt).toISOString() },
      },
    ],
    records: [
      { key: entry.token, value: grant, expires: expiresAt },
      { key: idKey(organisation, id), value: entry, expires: expiresAt + SHOWN_MS },
    ],
  })
  return { token, view: viewOf(id, entry) }
}

async function revoke(ledger: Ledger, actor: Actor, id: string): Promise<void> {
  const { organisation } = actor
  const record = await recordAt(ledger, idKey(organisation, id))
  if (!record)
    throw new KaosError('NOT_FOUND', `there is no token ${id}; see: kaos admin token list`)
  const entry = record.value as unknown as TokenEntry
  if (entry.revoked) return
  const value: Json = { ...entry, revoked: true }
  await ledger.commit({
    actor: actor.id,
    organisation,
    expect: [{ record: record.key, version: record.version }],
    statements: [{ type: 'token.revoked', detail: { token: id, user: entry.agent } }],
    records: [
      { key: entry.token, value: null },
      { key: record.key, value, ...(record.expires && { expires: record.expires }) },
    ],
  })
}

function idKey(organisation: string, id: string): string {
  return `token-id/${organisation}/${id}`
}

function viewOf(id: string, entry: TokenEntry): TokenView {
  const { user, name, createdAt, revoked } = entry
  return { id, user, name, createdAt, expiresAt: new Date(entry.expiresAt).toISOString(), revoked }
}
