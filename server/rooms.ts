/** Opens the rooms that everything else stands on, in the order in which they need each other. */
import type { Ledger } from '../graph/ledger.ts'
import type { Store } from '../store/store.ts'
import { openIntake } from './care/intake.ts'
import type { Limits, Parts, Settings } from './parts.ts'
import { openPeople, type PeopleRoom } from './people/people.ts'
import { openSpace, type Space } from './system/space.ts'
import { openTransfer } from './transfer/transfer.ts'
import { openWorkspaces, type WorkspacesRoom } from './workspaces/workspaces.ts'

export interface Rooms extends Parts {
  readonly people: PeopleRoom
  readonly workspaces: WorkspacesRoom
  readonly space: Space
}

export interface Ground {
  readonly settings: Settings
  readonly ledger: Ledger
  readonly store: Store
  readonly limits: Limits
  readonly now: () => number
  readonly log: Parts['log']
  /** Name of the local administrator at the first start. */
  readonly localName: string
}

export async function openRooms({ localName, ...ground }: Ground): Promise<Rooms> {
  const { settings, ledger, store, now } = ground
  const people = await openPeople({ ledger, now, localName })
  const workspaces = openWorkspaces({ ledger, people })
  const space = openSpace(settings)
  const transfer = openTransfer({ ledger, store, people, workspaces, space, now })
  const intake = openIntake(ledger)
  return { ...ground, people, workspaces, space, transfer, intake }
}
