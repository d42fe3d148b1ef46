/* The installation's signing keys (Ed25519). One signs; those before it stay, so that what they signed
 * can still be checked. Public halves are facts, private ones are sealed records. A key is named by its
 * RFC 7638 thumbprint.
 *
 *   signing-key/<id>   {kid, jwk, sealed, createdAt, retiredAt}; ids sort by birth */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { originOf } from '../../api/checkpoint.ts'
import { isKaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import { endorse, type SigningKey } from '../../api/signing-keys.ts'
import { newSigningPair } from '../../api/worker-keys.ts'
import type { Json, Ledger, LedgerRecord } from '../../graph/ledger.ts'
import { recordsBelow } from '../ledger-reads.ts'
import type { Vault } from './vault.ts'

const PREFIX = 'signing-key/'
const PURPOSE = 'signing key'
const FIRST = 'signing-key-made'

export interface PublicKey {
  readonly kid: string
  readonly jwk: SigningKey
  readonly createdAt: string
  /** Since when it signs nothing more; null for the one in use. */
  readonly retiredAt: string | null
}

export interface Keys {
  /** The key that signs now. */
  current(): Promise<PublicKey & { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>
  /** All, the newest first. */
  list(): Promise<PublicKey[]>
  /** Makes a new key, which signs from now on. */
  rotate(actor: string): Promise<PublicKey>
}

interface Stored extends PublicKey {
  readonly sealed: string
}

export function openKeys(ledger: Ledger, vault: Vault, system: string, now: () => number): Keys {
  async function stored(): Promise<{ record: LedgerRecord; key: Stored }[]> {
    const records = await Array.fromAsync(recordsBelow(ledger, PREFIX))
    const keys = records
      .map(record => ({ record, key: record.value as unknown as Stored }))
      .reverse()
    // Those of one millisecond are in no order; the one that is not retired is the newest.
    return keys.toSorted(
      (a, b) => Number(a.key.retiredAt !== null) - Number(b.key.retiredAt !== null),
    )
  }

  function privateOf({ sealed }: Stored): KeyObject {
    return createPrivateKey(vault.open(PURPOSE, sealed))
  }

  async function make(actor: string): Promise<PublicKey> {
    const [last] = await stored()
    const { x, privateKey } = newSigningPair()
    const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x })
    const jwk: SigningKey = {
      ...{ kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' },
      ...(last && {
        kaos_endorsed_by: last.key.kid,
        kaos_endorsement: endorse(originOf(ledger.id), { kid, x }, privateOf(last.key)),
      }),
    }
    const at = new Date(now()).toISOString()
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const key = { kid, jwk, createdAt: at, retiredAt: null }
    const value = { ...key, sealed: vault.seal(PURPOSE, pem) } as unknown as Json
    const records = [{ key: PREFIX + newId(now()), value }]
    if (last) {
      records.push({
        key: last.record.key,
        value: { ...last.key, retiredAt: at } as unknown as Json,
      })
    }
    await ledger.commit({
      actor,
      organisation: DEFAULT_ORGANISATION,
      // Two servers that start together make one first key.
      expect: last
        ? [{ record: last.record.key, version: last.record.version }]
        : [{ record: FIRST, version: 0 }],
      statements: [
        {
          type: last ? 'key.rotated' : 'key.created',
          detail: { ...jwk, ...(last && { retired: last.key.kid }) },
        },
      ],
      records: last ? records : [...records, { key: FIRST, value: true }],
    })
    return key
  }

  return {
    async current() {
      let [newest] = await stored()
      if (!newest) {
        await make(system).catch(error => {
          if (!isKaosError(error, 'CONFLICT')) throw error
        })
        newest = (await stored())[0]
      }
      const { sealed: _, ...key } = newest!.key
      const privateKey = privateOf(newest!.key)
      return { ...key, privateKey, publicKey: createPublicKey(privateKey) }
    },
    async list() {
      return (await stored()).map(({ key: { sealed: _, ...key } }) => key)
    },
    rotate: make,
  }
}
