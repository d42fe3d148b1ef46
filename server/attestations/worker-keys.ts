/* The keys that workers sign with, as facts:
 *
 *   worker-key/<kid>/enrolled   `<agent>.<x>`: whose it is, and the key
 *   worker-key/<kid>/retired    since then nothing that is begun may be signed with it
 *   worker-key/<kid>/revoked    since then nothing at all; what was recorded before stays
 *   worker-signs/<agent>        the worker has enrolled a key, so it may not work without one
 *
 * Each is moved once, so that a pointer's own number and time say when. */
import { type Actor, DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { originOf } from '../../api/checkpoint.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import {
  type Enrolment,
  hasPossession,
  thumbprintOf,
  type WorkerKey,
} from '../../api/worker-keys.ts'
import type { Json, Ledger, Pointer } from '../../graph/ledger.ts'
import { pointersBelow } from '../catalogue/versions.ts'
import { pointerAt } from '../ledger-reads.ts'

const PREFIX = 'worker-key/'
const KID = /^[A-Za-z0-9_-]{43}$/

export const ENROLLED = 'worker.key-enrolled'
const ENDS = { retired: 'worker.key-retired', revoked: 'worker.key-revoked' } as const

/** Makes the key one of this worker's. A second time is no error; KEY_REFUSED when it was retired or
 * revoked, or is another worker's. */
export async function enrolKey(
  ledger: Ledger,
  actor: Actor,
  enrolment: Enrolment,
): Promise<string> {
  const kid = requirePossession(ledger, enrolment)
  const known = await workerKey(ledger, kid)
  if (known) {
    requireGood(known, actor.id)
    return kid
  }
  const enrolled = `${PREFIX}${kid}/enrolled`
  const signs = `worker-signs/${actor.id}`
  const { x } = enrolment
  try {
    await ledger.commit({
      actor: actor.id,
      organisation: DEFAULT_ORGANISATION,
      expect: [{ pointer: enrolled, target: null }],
      statements: [
        {
          type: ENROLLED,
          moves: [
            { pointer: enrolled, target: `${actor.id}.${x}` },
            { pointer: signs, target: 'yes' },
          ],
          detail: { worker: actor.id, kid, x },
        },
      ],
    })
  } catch (error) {
    if (!isKaosError(error, 'CONFLICT')) throw error
    requireGood(await workerKey(ledger, kid), actor.id)
  }
  return kid
}

function requirePossession(ledger: Ledger, enrolment: Enrolment): string {
  let good = false
  try {
    good = hasPossession(originOf(ledger.id), enrolment)
  } catch {
    // No point of the curve.
  }
  if (good) return thumbprintOf(enrolment.x)
  const message = 'the worker does not show that it holds this key; start it anew'
  throw new KaosError('SIGNATURE_INVALID', message)
}

/** What a worker may claim with: a key of its own that is in force, or none at all as long as it has
 * not enrolled one. KEY_REFUSED otherwise. */
export async function requireSigner(
  ledger: Ledger,
  actor: Actor,
  kid: string | undefined,
): Promise<void> {
  if (kid !== undefined) return requireGood(await workerKey(ledger, kid), actor.id)
  if ((await pointerAt(ledger, `worker-signs/${actor.id}`)) === undefined) return
  const message = 'this worker signs what it makes, so it cannot work without its key'
  throw new KaosError('KEY_REFUSED', `${message}; start it with the data folder that has it`)
}

function requireGood(key: WorkerKey | undefined, agent: string): void {
  const why = badness(key, agent)
  if (why !== undefined) throw refused(key?.kid, why)
}

function badness(key: WorkerKey | undefined, agent: string): string | undefined {
  if (!key) return 'is not enrolled'
  if (key.kaos_worker !== agent) return 'is the key of another worker'
  if (key.kaos_revoked !== undefined) return `was revoked at ${key.kaos_revoked}`
  return key.kaos_retired === undefined ? undefined : `was retired at ${key.kaos_retired}`
}

/** The key that a report may be signed with: of this worker and in force, or retired after the attempt
 * was claimed with it. */
export async function requireReportKey(
  ledger: Ledger,
  kid: string | undefined,
  attempt: { readonly agent: string; readonly kid?: string | undefined },
): Promise<WorkerKey> {
  const key = kid === undefined ? undefined : await workerKey(ledger, kid)
  const isRetired = key?.kaos_retired !== undefined && key.kaos_revoked === undefined
  const claimed = isRetired && key.kid === attempt.kid && key.kaos_worker === attempt.agent
  const why = claimed ? undefined : badness(key, attempt.agent)
  if (key && why === undefined) return key
  throw refused(kid, why ?? 'is not named')
}

function refused(kid: string | undefined, why: string): KaosError {
  const message = `the signing key ${kid ?? ''} ${why}`.replace(/ {2,}/g, ' ')
  return new KaosError('KEY_REFUSED', `${message}; see: kaos admin keys list`)
}

export async function workerKey(ledger: Ledger, kid: string): Promise<WorkerKey | undefined> {
  if (!KID.test(kid)) return undefined
  const pointers = await ledger.pointers(`${PREFIX}${kid}/`, { limit: 3 })
  return keyIn(kid, pointers)
}

/** All, by the time of their enrolment, the newest first. */
export async function workerKeys(ledger: Ledger): Promise<WorkerKey[]> {
  const pointers = await Array.fromAsync(pointersBelow(ledger, PREFIX, { slashes: 1 }))
  const byKid = Map.groupBy(pointers, ({ name }) => name.split('/')[1] ?? '')
  const keys = [...byKid].flatMap(([kid, some]) => keyIn(kid, some) ?? [])
  return keys.sort((a, b) => b.kaos_enrolled_seq - a.kaos_enrolled_seq)
}

function keyIn(kid: string, pointers: readonly Pointer[]): WorkerKey | undefined {
  const at = (word: string) => pointers.find(({ name }) => name === `${PREFIX}${kid}/${word}`)
  const [enrolled, retired, revoked] = [at('enrolled'), at('retired'), at('revoked')]
  if (!enrolled) return undefined
  const [worker = '', x = ''] = enrolled.target.split('.')
  return {
    ...{ kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA', kaos_worker: worker },
    kaos_enrolled: enrolled.at,
    kaos_enrolled_seq: enrolled.seq,
    ...(retired && { kaos_retired: retired.at, kaos_retired_seq: retired.seq }),
    ...(revoked && { kaos_revoked: revoked.at, kaos_revoked_seq: revoked.seq }),
  }
}

/** Retires or revokes a key. A second time is no error. NOT_FOUND when there is none. */
export async function endKey(
  ledger: Ledger,
  actor: Actor,
  kid: string,
  how: 'retired' | 'revoked',
  reason: string | null,
): Promise<WorkerKey> {
  const key = await workerKey(ledger, kid)
  if (!key) {
    throw new KaosError('NOT_FOUND', `no worker has a key ${kid}; see: kaos admin keys list`)
  }
  if (key[`kaos_${how}`] !== undefined) return key
  const pointer = `${PREFIX}${kid}/${how}`
  const detail: Record<string, Json> = { worker: key.kaos_worker, kid, reason }
  await ledger
    .commit({
      actor: actor.id,
      organisation: actor.organisation,
      expect: [{ pointer, target: null }],
      statements: [{ type: ENDS[how], moves: [{ pointer, target: how }], detail }],
    })
    .catch(error => {
      if (!isKaosError(error, 'CONFLICT')) throw error
    })
  return (await workerKey(ledger, kid))!
}
