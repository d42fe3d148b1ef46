/* Which keys of an installation may be believed. Whoever meets it first takes the keys it shows; from
 * then on a new key counts only when one that is believed already has endorsed it: a thief of the
 * whole database, who lacks the keys, cannot make one. */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { KeySet, SigningKey } from './signing-keys-schema.ts'

export type { KeySet, SigningKey }

function endorsementOf(origin: string, key: Pick<SigningKey, 'kid' | 'x'>): Buffer {
  return Buffer.from(`kaos signing key\n${origin}\n${key.kid}\n${key.x}\n`)
}

/** The signature by which an older key endorses a newer one. */
export function endorse(origin: string, key: Pick<SigningKey, 'kid' | 'x'>, by: KeyObject): string {
  return sign(null, endorsementOf(origin, key), by).toString('base64url')
}

export function publicKeyOf({ x }: Pick<SigningKey, 'x'>): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}

/** Of the offered keys, those that are believed already or endorsed by one that is; all of them when
 * nothing is believed yet. */
export function believable(
  origin: string,
  believed: readonly SigningKey[],
  offered: readonly SigningKey[],
): SigningKey[] {
  if (believed.length === 0) return [...offered]
  const good = new Map(believed.map(key => [key.kid, key]))
  for (let grew = true; grew; ) {
    grew = false
    for (const key of offered) {
      const by = good.get(key.kaos_endorsed_by ?? '')
      if (good.has(key.kid) || !by || !key.kaos_endorsement) continue
      const signature = Buffer.from(key.kaos_endorsement, 'base64url')
      if (!verify(null, endorsementOf(origin, key), publicKeyOf(by), signature)) continue
      good.set(key.kid, key)
      grew = true
    }
  }
  return [...good.values()]
}
