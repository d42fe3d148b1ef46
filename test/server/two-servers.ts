/* Two servers over one ledger and one store, in one process. */
import type { TestContext } from 'node:test'
import type { Messenger } from '../../server/jobs/neighbours.ts'
import { openMemoryStore } from '../../store/memory.ts'
import { openScripted, type Scripted } from './jobs/scripted.ts'

/** The servers hear of each other only by reading, unless messengers are given. */
export async function openTwo(
  t: TestContext,
  messengers: readonly [Messenger?, Messenger?] = [],
): Promise<[Scripted, Scripted]> {
  const store = lent(await openMemoryStore())
  const settings = { shared: true }
  const [mine, theirs] = messengers
  const first = await openScripted(t, { store, settings, ...(mine && { messenger: mine }) })
  const { ledger } = first.test.parts
  const second = await openScripted(t, {
    store,
    settings,
    withLedger: own => {
      void own.close()
      return lent(ledger)
    },
    ...(theirs && { messenger: theirs }),
  })
  return [first, second]
}

/** As it is, but whoever has it cannot close it. */
function lent<T extends { close(): Promise<void> }>(thing: T): T {
  return new Proxy(thing, {
    get(target, name) {
      if (name === 'close') return async () => {}
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
