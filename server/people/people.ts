/** The people room: who acts, told from a token; agents of the server itself, of workers, of users. */
import { type Actor, DEFAULT_ORGANISATION, ROLES, SCOPES } from '../../api/actor.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { People } from '../parts.ts'
import { ensureAgent, nameOf } from './agents.ts'
import { openGrants } from './grants.ts'

export interface PeopleRoom extends People {
  /** Who calls without a token from this machine, in local mode. */
  readonly local: Actor
  /** Who holds this token; undefined when it is unknown, expired, revoked or its user is gone. */
  authenticate(token: string): Promise<Actor | undefined>
}

interface Options {
  readonly ledger: Ledger
  readonly now: () => number
  /** Name of the local administrator at the first start. */
  readonly localName: string
}

export async function openPeople({ ledger, now, localName }: Options): Promise<PeopleRoom> {
  const organisation = DEFAULT_ORGANISATION
  const system = await systemActor(ledger)
  const systemId = system.id
  const localId = await ensureAgent(ledger, 'agent/local', 'user', localName, systemId)
  const name = await nameOf(ledger, localId)
  const grants = openGrants({ ledger, now, agent: systemId })

  return {
    system,
    local: { id: localId, kind: 'user', name, organisation, scopes: ROLES.administrator },
    authenticate: token => grants.authenticate(token),
    nameOf: agent => nameOf(ledger, agent),
    async issueWorkerToken(worker) {
      const agent = await ensureAgent(ledger, `agent/worker/${worker}`, 'worker', worker, systemId)
      return grants.issue({ kind: 'worker', name: worker, agent, organisation })
    },
    async issueAttemptToken(attempt, of, pulls) {
      const own = { agent: systemId, organisation: of, ...(pulls !== undefined && { pulls }) }
      return grants.issue({ kind: 'attempt', attempt, ...own })
    },
  }
}

/** The server itself, as the ledger knows it. */
export async function systemActor(ledger: Ledger): Promise<Actor> {
  const id = await ensureAgent(ledger, 'agent/system', 'system', 'kaos')
  return { id, kind: 'system', name: 'kaos', organisation: DEFAULT_ORGANISATION, scopes: SCOPES }
}
