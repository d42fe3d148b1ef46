/* The token of a worker that the operator gives by a file, as people/given.ts has it for the first
 * administrator: so a server and a worker in containers know each other from the first start on. Retired
 * it stays so, whatever the file says. */
import { KaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { readRecord } from '../jobs/reading.ts'
import type { Parts, Settings } from '../parts.ts'
import { systemActor } from '../people/people.ts'
import { grantOf, isToken, tokenKey } from '../people/token.ts'
import { enrolWorker } from './names.ts'
import { type NameRecord, nameKeyOf } from './records.ts'

const NAME = 'given'
const LIFETIME_S = 10 * 365 * 24 * 3600

interface Given {
  readonly ledger: Ledger
  readonly enrol: NonNullable<Settings['enrol']>
  readonly now: () => number
  readonly log: Parts['log']
}

/** Afterwards whoever holds the token is the worker `given`. A second time changes nothing. */
export async function acceptWorker({ ledger, enrol, now, log }: Given): Promise<void> {
  const { token, address } = enrol
  if (!isToken(token)) {
    const how = 'it is made as docs/compose.md says'
    throw new KaosError('CONFIGURATION', `KAOS_ENROL_TOKEN_FILE holds no token; ${how}`)
  }
  const actor = await systemActor(ledger)
  const key = nameKeyOf(actor.organisation, NAME)
  const known = (await readRecord<NameRecord>(ledger, key))?.value
  if (known?.retired) {
    const next = `kaos admin worker token ${NAME} makes it one again`
    log('warn', `the worker ${NAME} was retired, so KAOS_ENROL_TOKEN_FILE opens nothing; ${next}`)
    return
  }
  const grant = await grantOf(ledger, token)
  const isCurrent = known?.token?.key === tokenKey(token) && known.token.expiresAt > now()
  if (isCurrent && grant && known.address === (address ?? null)) return
  const wanted = { name: NAME, expiresInSeconds: LIFETIME_S, ...(address && { address }) }
  await enrolWorker({ ledger, now }, actor, wanted, token)
  log('info', `the worker ${NAME} was enrolled with the token of KAOS_ENROL_TOKEN_FILE`)
}
