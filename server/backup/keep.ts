/* Old moments go, and with them what only they needed of the store. */
import { rawOf } from '../../api/digest.ts'
import type { Store } from '../../store/store.ts'
import { KeySet } from '../care/key-set.ts'

import { dropMoment, type Moment, momentsIn } from './folder.ts'
import { neededBy, type Source } from './restore.ts'

interface Tools {
  openStore(): Promise<Store>
  opened<T>(moment: Moment, work: (source: Omit<Source, 'store'>) => Promise<T>): Promise<T>
  tell(text: string): void
}

const DIGEST = 32
const DEAD_SHARE = 0.25

/** Answers the names of those that went. */
export async function keepNewest(folder: string, count: number, tools: Tools): Promise<string[]> {
  const all = await momentsIn(folder)
  const old = all.slice(0, Math.max(0, all.length - count))
  if (old.length === 0) return []
  for (const moment of old) await dropMoment(moment)
  const store = await tools.openStore()
  try {
    const needed = new KeySet(DIGEST)
    for (const moment of await momentsIn(folder)) {
      await tools.opened(moment, async source => {
        const wanted = await neededBy({ ...source, store })
        for (let at = 0; at < wanted.length; at += DIGEST) {
          needed.raise(wanted.subarray(at, at + DIGEST))
        }
      })
    }
    const condemned = await store.condemn(unneeded(store, needed))
    const { objects, bytes } = await condemned.remove().finally(() => condemned.release())
    await store.compact(DEAD_SHARE)
    tools.tell(
      `${old.length} older moments went, and ${objects} objects of ${Math.round(bytes / 1e6)} MB`,
    )
  } finally {
    await store.close()
  }
  return old.map(moment => moment.name)
}

async function* unneeded(store: Store, needed: KeySet) {
  for await (const { digest } of store.list()) {
    if (!needed.has(rawOf(digest))) yield digest
  }
}
