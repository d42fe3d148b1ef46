/* A token: `kaos_` and 32 random bytes. The ledger keeps its SHA-256 alone, as the key of a record,
 * so nobody who reads the ledger can use one. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Ledger } from '../../graph/ledger.ts'
import { recordAt } from '../ledger-reads.ts'

const FORM = /^kaos_[A-Za-z0-9_-]{43}$/

export function newToken(): string {
  return `kaos_${randomBytes(32).toString('base64url')}`
}

/** Whether the text could be a token of ours. */
export function isToken(text: string): boolean {
  return FORM.test(text)
}

export function tokenKey(token: string): string {
  return `token/${createHash('sha256').update(token).digest('hex')}`
}

/** What is behind a token. Users' rights are those of their role at the moment they use it. */
export type Grant = (
  | { kind: 'user'; id: string; user: string }
  /** `fixed`: it ends when it says, however often it is used. */
  | { kind: 'worker'; name: string; fixed?: boolean }
  | { kind: 'attempt'; attempt: string; pulls?: string }
) & { agent: string; organisation: string; expiresAt: number }

export async function grantOf(ledger: Ledger, token: string): Promise<Grant | undefined> {
  if (!isToken(token)) return undefined
  const key = tokenKey(token)
  const record = await recordAt(ledger, key)
  if (!record || !timingSafeEqual(Buffer.from(record.key), Buffer.from(key))) return undefined
  return record.value as Grant
}
