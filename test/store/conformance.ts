import { afterEach, beforeEach, describe } from 'node:test'
import type { Store } from '../../store/store.ts'
import type { At, Bench } from './conformance/bench.ts'
import { compacting } from './conformance/compacting.ts'
import { condemning } from './conformance/condemning.ts'
import { goingBad } from './conformance/damage.ts'
import { ending } from './conformance/ending.ts'
import { many } from './conformance/many.ts'
import { putting } from './conformance/putting.ts'
import { removing } from './conformance/removing.ts'

export type { Bench } from './conformance/bench.ts'
export { damageFound, digestsIn, filesFound } from './conformance/bench.ts'

/** Every promise of store.ts that can be seen from outside. */
export function storeConformance(name: string, prepare: () => Promise<Bench>): void {
  describe(`Store: ${name}`, () => {
    let bench: Bench
    let store: Store
    const at: At = {
      get bench() {
        return bench
      },
      get store() {
        return store
      },
    }
    beforeEach(async () => {
      bench = await prepare()
      store = await bench.open()
    })
    afterEach(async () => {
      await store.close()
      await bench.dispose()
    })

    putting(at)
    removing(at)
    condemning(at)
    compacting(at)
    goingBad(at)
    many(at)
    ending(at)
  })
}
