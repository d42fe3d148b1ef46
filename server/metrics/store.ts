/** What the store holds. Where it does not answer, the figures are NaN and not those of before. */
import type { Store } from '../../store/store.ts'
import { Gauge } from './families.ts'
import { inTime } from './in-time.ts'

export function storeFamilies() {
  const gauge = (name: string, help: string) => new Gauge({ name, help })
  const bytes = gauge('kaos_store_bytes', 'Bytes of all objects, each once')
  const objects = gauge('kaos_store_objects', 'Objects')
  const damaged = gauge('kaos_store_damaged_objects', 'Objects known to be damaged, not yet healed')
  const packs = gauge('kaos_store_packs', 'Packs')
  const dead = gauge('kaos_store_dead_bytes', 'Bytes of packs that a collection can give back')
  const free = gauge('kaos_store_free_bytes', 'Bytes free on the volume; NaN for a bucket')
  return {
    families: [bytes, objects, damaged, packs, dead, free],
    async look(store: Pick<Store, 'stats' | 'damaged'> | undefined): Promise<void> {
      const stats = await inTime(async () => store?.stats())
      bytes.set(stats?.bytes ?? Number.NaN)
      objects.set(stats?.objects ?? Number.NaN)
      packs.set(stats?.packs ?? Number.NaN)
      dead.set(stats?.deadBytes ?? Number.NaN)
      free.set(stats?.freeBytes ?? Number.NaN)
      damaged.set((await inTime(async () => store?.damaged())) ?? Number.NaN)
    },
  }
}
