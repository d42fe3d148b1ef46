/* The transfer room: bytes come in under a session, and become usable for facts only as a whole.
 * Knowing a digest gives nothing: a session may use what it sent itself and what the workspace's
 * entities are made of.
 *
 * While the store knows of damage, nothing is taken on trust: no folder or file list of the workspace
 * is said to be here, and bytes only once they were read. So whoever sends a folder again sends all
 * of it that is damaged, in one go. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { spanned } from '../../api/tracing/tracing.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { Closure } from '../../store/trees.ts'
import { EPOCH } from '../care/intake.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Intake, People, Quotas, Transfer, Workspaces } from '../parts.ts'
import type { Space } from '../system/space.ts'
import { Admission } from './admission.ts'
import { objectsIn } from './bodies.ts'
import { requireFile, requireTree } from './complete.ts'
import type { Contents } from './contents.ts'
import { HELD_MAX, HeldBodies } from './held-bodies.ts'
import { openKnown } from './known.ts'
import { openNotes } from './notes.ts'
import { metered, meteredWhole } from './quota.ts'

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly people: People
  readonly workspaces: Workspaces
  readonly space: Space
  readonly intake: Intake
  readonly quotas: Quotas
  readonly now: () => number
  readonly admission?: Admission
}

type Body = AsyncIterable<Uint8Array>

/** Objects that are read at the same time to see whether they are sound. */
const READ_AT_ONCE = 8

export function openTransfer(options: Options): Transfer {
  const { ledger, store, people, space, intake, admission = new Admission() } = options
  const notes = openNotes({ ...options, agent: people.system.id })
  const known = openKnown(options)
  const held = new HeldBodies()

  /** Looks at what the session may use. What was added to the workspace lately is asked of the ledger only
   * where the look fails without. */
  async function looking<T>(
    session: string,
    workspace: string,
    look: (may: (digest: Digest) => boolean, own: Contents) => Promise<T>,
  ): Promise<T> {
    const sent = await notes.of(session)
    let refused = false
    const lookIn = (own: Contents) =>
      look(digest => {
        const may = sent.has(digest) || own.has(digest)
        refused ||= !may
        return may
      }, own)
    const lately = known.lately(workspace)
    if (lately === undefined) return lookIn(await known.of(workspace))
    try {
      return await lookIn(lately)
    } catch (error) {
      if (!refused) throw error
      return lookIn(await known.of(workspace))
    }
  }

  /** Of what is here and may be used: whether it is sound. */
  async function trusted(session: string, workspace: string, digests: readonly Digest[]) {
    const sent = await notes.of(session)
    const own = await known.of(workspace)
    return soundIn(store, digests, digest => sent.has(digest) || !own.hasName(digest))
  }

  function stored(body: Body): Promise<Digest[]> {
    return spanned('store put', {}, () => store.put(objectsIn(body)))
  }

  /** Stores and notes what came, which is in memory: as often as collections go between. */
  async function keepHeld(session: string, body: () => Body): Promise<number> {
    return intake.relying(async expect => {
      const digests = await stored(body())
      await notes.add(session, digests, expect)
      return digests.length
    })
  }

  /** The same of a body that comes once. What was here already may have been condemned before it was
   * noted: then the body must come once more. */
  async function keep(session: string, body: Body): Promise<number> {
    let digests: Digest[] | undefined
    let begun = false
    await intake.relying(async expect => {
      if (begun && digests === undefined) throw taken()
      begun = true
      if (digests === undefined) digests = await stored(body)
      else if ((await store.has(digests)).includes(false)) throw taken()
      await notes.add(session, digests, expect)
    })
    return digests?.length ?? 0
  }

  return {
    async have(session, workspace, digests) {
      const here = await store.has(digests)
      if (!here.includes(true)) return here
      const sent = await notes.of(session)
      const lately = known.lately(workspace)
      // Whether something was added is asked for only if it matters.
      const all = digests.every((one, i) => !here[i] || sent.has(one) || lately?.has(one))
      const own = all ? lately : await known.of(workspace)
      const may = digests.map((one, i) => here[i] === true && (sent.has(one) || own?.has(one)))
      if ((await store.damaged()) === 0) return may.map(Boolean)
      const sound = await trusted(
        session,
        workspace,
        digests.filter((_, i) => may[i]),
      )
      let next = 0
      return may.map(one => Boolean(one && sound[next++]))
    },
    async receive(session, body, from) {
      await space.require()
      const { quotas } = options
      const length = from?.bytes ?? Number.POSITIVE_INFINITY
      return admission.run(from?.bytes, () => {
        if (length > HELD_MAX) {
          return metered(quotas, body, from, counted => keep(session, counted))
        }
        return meteredWhole(quotas, from, length, () =>
          held.run(body, length, whole => keepHeld(session, whole)),
        )
      })
    },
    async accept(session, workspace, tree) {
      const epoch = (await recordAt(ledger, EPOCH))?.version ?? 0
      const trust = (await store.damaged()) === 0
      return looking(session, workspace, async (may, own) => {
        const found = new Closure()
        const complete = trust ? own.completeIn(epoch) : undefined
        const extent = await requireTree(store, may, tree, { known: complete, found })
        known.accepted(workspace, tree, found, epoch)
        return extent
      })
    },
    acceptFile(session, workspace, file) {
      return looking(session, workspace, may => requireFile(store, may, file))
    },
    end: session => notes.drop(session),
  }
}

/** For each digest whether it is one to read, and can be read. */
async function soundIn(
  store: Store,
  digests: readonly Digest[],
  toRead: (digest: Digest) => boolean,
): Promise<boolean[]> {
  const sound: boolean[] = []
  for (let at = 0; at < digests.length; at += READ_AT_ONCE) {
    const some = digests.slice(at, at + READ_AT_ONCE)
    const read = await Promise.all(some.map(one => canBeRead(store, one)))
    sound.push(...some.map((one, i) => read[i] === true && toRead(one)))
  }
  return sound
}

async function canBeRead(store: Store, digest: Digest): Promise<boolean> {
  try {
    await store.get(digest)
    return true
  } catch (error) {
    if (isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')) return false
    throw error
  }
}

function taken(): KaosError {
  const message = 'what was sent was collected before it was noted; send it again'
  return new KaosError('UNAVAILABLE', message)
}
