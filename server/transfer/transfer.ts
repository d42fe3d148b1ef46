/* The transfer room: bytes come in under a session, and become usable for facts only as a whole.
 * Knowing a digest gives nothing: a session may use what it sent itself and what the workspace's
 * entities are made of. */
import type { Digest } from '../../api/digest.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import type { People, Transfer, Workspaces } from '../parts.ts'
import type { Space } from '../system/space.ts'
import { objectsIn } from './bodies.ts'
import { requireFile, requireTree } from './complete.ts'
import { openNotes } from './notes.ts'
import { openReadable } from './readable.ts'

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly people: People
  readonly workspaces: Workspaces
  readonly space: Space
  readonly now: () => number
}

export function openTransfer(options: Options): Transfer {
  const { store, people, space } = options
  const notes = openNotes({ ...options, agent: people.system.id })
  const readable = openReadable(options)

  async function mayUse(session: string, workspace: string) {
    const sent = await notes.of(session)
    const own = await readable.of(workspace)
    return (digest: Digest) => sent.has(digest) || own.has(digest)
  }

  return {
    async have(session, workspace, digests) {
      const here = await store.has(digests)
      if (!here.includes(true)) return here
      const may = await mayUse(session, workspace)
      return digests.map((digest, i) => here[i] === true && may(digest))
    },
    async receive(session, body) {
      await space.require()
      const digests = await store.put(objectsIn(body))
      await notes.add(session, digests)
      return digests.length
    },
    async accept(session, workspace, tree) {
      return requireTree(store, await mayUse(session, workspace), tree)
    },
    async acceptFile(session, workspace, file) {
      await requireFile(store, await mayUse(session, workspace), file)
    },
    end: session => notes.drop(session),
  }
}
