/* A store for what is put in several steps before a fact names it: whatever is put is noted under a
 * session, in the same breath as far as a collection can tell, and so stays until the fact is there. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import type { Expectation } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import type { BlobParts } from '../blobs/blobs.ts'
import { notesOf } from '../transfer/notes.ts'

export interface NotedStore extends Pick<Store, 'get' | 'put'> {
  /** Notes what is here already. OBJECT_UNKNOWN when one of them is not. */
  adopt(digests: readonly Digest[]): Promise<void>
}

/** What is given to `put` at once is held in memory. */
export function notedStore(parts: BlobParts, session: string): NotedStore {
  const { ledger, store, people, intake, space, now } = parts

  async function note(digests: readonly Digest[], expect: readonly Expectation[]): Promise<void> {
    const records = notesOf(session, digests, now())
    if (records.length === 0) return
    const actor = people.system.id
    await ledger.commit({ actor, organisation: DEFAULT_ORGANISATION, expect, records })
  }

  return {
    get: digest => store.get(digest),
    async put(objects) {
      const all = await Array.fromAsync(objects)
      await space.require(all.reduce((sum, object) => sum + object.length, 0))
      return intake.relying(async expect => {
        const digests = await store.put(all)
        await note(digests, expect)
        return digests
      })
    },
    adopt(digests) {
      return intake.relying(async expect => {
        const here = await store.has(digests)
        const lost = digests.find((_, i) => !here[i])
        if (lost === undefined) return note(digests, expect)
        const message = 'bytes that were sent are gone; push them again'
        throw new KaosError('OBJECT_UNKNOWN', message, { detail: { digest: lost } })
      })
    },
  }
}
