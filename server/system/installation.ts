/* Ledger and store belong together: the ledger speaks of bytes that only this store has. It
 * remembers which one, from the first start on. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { pointerAt } from '../ledger-reads.ts'

const POINTER = 'installation/store'

/** CONFIGURATION when this ledger was made with another store. */
export async function requireOwnStore(ledger: Ledger, store: Store): Promise<void> {
  const known = await pointerAt(ledger, POINTER)
  if (!known || known.target === store.id) return
  const message =
    `the ledger belongs to the store ${known.target}, but the store here is ${store.id}; ` +
    'put back the store that was used with this ledger, or start with an empty data folder'
  throw new KaosError('CONFIGURATION', message)
}

/** Written once, at the first start. */
export async function rememberStore(ledger: Ledger, store: Store, actor: string): Promise<void> {
  if (await pointerAt(ledger, POINTER)) return
  await ledger.commit({
    actor,
    organisation: DEFAULT_ORGANISATION,
    expect: [{ pointer: POINTER, target: null }],
    statements: [{ type: 'installation.created', moves: [{ pointer: POINTER, target: store.id }] }],
  })
}
