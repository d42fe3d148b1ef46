/** Opens the rooms that everything else stands on, in the order in which they need each other. */
import { join } from 'node:path'
import type { Ledger } from '../graph/ledger.ts'
import type { Store } from '../store/store.ts'
import { openIntake } from './care/intake.ts'
import { openPresence } from './care/presence.ts'
import { openQuotas, type QuotasRoom } from './care/quotas.ts'
import { type KitsRoom, openKits } from './kits/kits.ts'
import { type Metrics, openMetrics } from './metrics/metrics.ts'
import type { Limits, Parts, Settings } from './parts.ts'
import { openPeople, type PeopleRoom } from './people/people.ts'
import { type Keys, openKeys } from './proofs/keys.ts'
import { type LedgerProofs, openLedgerProofs } from './proofs/proofs.ts'
import { openVault } from './proofs/vault.ts'
import { openSpace, type Space } from './system/space.ts'
import { openTransfer } from './transfer/transfer.ts'
import { openWorkspaces, type WorkspacesRoom } from './workspaces/workspaces.ts'

export interface Rooms extends Parts {
  readonly people: PeopleRoom
  readonly workspaces: WorkspacesRoom
  readonly space: Space
  readonly quotas: QuotasRoom
  readonly kits: KitsRoom
  readonly keys: Keys
  readonly proofs: LedgerProofs
  readonly metrics: Metrics
}

export interface Ground {
  readonly settings: Settings
  readonly ledger: Ledger
  readonly store: Store
  readonly limits: Limits
  readonly now: () => number
  readonly log: Parts['log']
  /** Made here when nobody counted before. */
  readonly metrics?: Metrics
  /** Name of the local administrator at the first start. */
  readonly localName: string
}

export async function openRooms({ localName, ...ground }: Ground): Promise<Rooms> {
  const { settings, ledger, store, now, metrics = openMetrics() } = ground
  const people = await openPeople({ ledger, now, localName })
  const workspaces = openWorkspaces({ ledger, people })
  const space = openSpace(settings)
  const secret = settings.secretKeyFile
  const vault = openVault(secret ?? join(settings.data, 'secret.key'), secret === undefined)
  const keys = openKeys(ledger, vault, people.system.id, now)
  const proofs = openLedgerProofs(ledger, keys, now)
  const intake = openIntake(ledger)
  const presence = openPresence({ ledger, store, people })
  const quotas = openQuotas({ ledger, agent: people.system.id, now })
  const kits = openKits({ ...ground, people, intake, space, quotas })
  const transfer = openTransfer({ ...ground, people, workspaces, space, intake, quotas })
  const kept = { transfer, intake, presence, quotas, kits, partOf: kits.partOf }
  metrics.from({ ledger, store })
  const secretOf = (attempt: string) => vault.secretOf('forwarder', attempt)
  const made = { keys, proofs, metrics, secretOf }
  return { ...ground, people, workspaces, space, ...kept, ...made }
}
